"""The speaker through PortAudio."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
import numpy as np

from assistant.audio.files import resample
from assistant.audio.output_device import BUFFER_S, RATE_HZ, OutputDevice
from assistant.config import AudioConfig
from assistant.errors import DeviceError
from assistant.events import AudioArray, SpeechChunk
from assistant.ports import Onset

T = TypeVar("T")

_LOST_DEVICE_S = 2.0
"""A device that takes nothing for so long while there is something to play is lost."""

_SETTLES_S = 0.5
"""Until then a sound server may have changed its mind about how much it buffers."""
_HELD_UP_S = 0.1
"""By how much more the device may be behind what it has taken before that is a gap in the sound."""


@dataclass(slots=True, eq=False)
class _Queued:
    samples: AudioArray
    started: asyncio.Future[Onset]
    finished: asyncio.Future[float]
    position: int = 0
    begun: bool = False
    is_told: bool = False
    """Whether `play` has returned, so that the onset is known."""
    correction: tuple[Onset, AudioArray, int] | None = None
    """What the rest was found to be before that."""


class Speaker:
    """Mono speech on one output device."""

    def __init__(self, config: AudioConfig) -> None:
        self._device = OutputDevice(config.output, self._fill, self._begin, lambda: bool(self._queue))
        self._volume = self._gain = config.volume
        """Of what is played from now on, and of what was played last."""
        self._queue: deque[_Queued] = deque()
        self._last_finished: asyncio.Future[float] | None = None
        self._played_s = 0.0
        self._run = 0
        self._run_began_s = 0.0
        """When the first sample of the run is heard."""
        self._run_samples = 0
        """How many the device has taken of it; 0 when a new one begins."""
        self._behind_s = 0.0
        """How much later than counted it is heard, by the driver's own figures."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rate_hz = RATE_HZ
        self.heard_otherwise: Callable[[Onset, AudioArray, int], None] | None = None

    @property
    def name(self) -> str:
        """As the device is called, or as it was configured until it is found."""
        return self._device.name

    async def open(self) -> None:
        """Open the device and start it once; it is open only while there is something to say. Raises `DeviceError`."""
        self._loop = asyncio.get_running_loop()
        await self._device.start()

    async def play(self, chunk: SpeechChunk) -> Onset:
        """Queue a chunk and return when its first sample is handed to the device; the result adds what the device
        still buffers before it is heard. Raises `DeviceError` when the device takes no sound."""
        self._loop = loop = asyncio.get_running_loop()
        await self._device.open()
        samples = resample(chunk.samples, chunk.sample_rate_hz, self._rate_hz)
        queued = _Queued(samples, loop.create_future(), loop.create_future())
        queued.finished.add_done_callback(lambda _: self._device.rest_later())
        self._last_finished = queued.finished
        self._device.stay_awake()
        self._queue.append(queued)
        try:
            await self._have_it_run()
            onset = await self._in_time(queued.started)
            queued.is_told = True
            if queued.correction is not None:
                loop.call_soon(self._tell, queued, queued.correction)
            return onset
        except asyncio.CancelledError:
            # It may have been queued just after whoever cancels it had called `stop`.
            with contextlib.suppress(ValueError):
                self._queue.remove(queued)
            self._resolve(queued.finished, loop.time())
            raise

    async def drain(self) -> None:
        """Return when everything queued has been heard. Raises `DeviceError` when the device takes no more sound."""
        last = self._last_finished
        if last is None:
            return
        try:
            heard_at_s = await self._in_time(last)
        except DeviceError:
            if self._last_finished is last:  # told; what is said next has nothing to do with it
                self._last_finished = None
            raise
        await anyio.sleep(max(0.0, heard_at_s - asyncio.get_running_loop().time()))

    def stop(self) -> None:
        """Fall silent at once: what the device buffers is dropped too."""
        self._drop()
        self._device.fall_silent()

    def _drop(self, error: DeviceError | None = None) -> None:
        """Forget what is queued; with `error`, whoever waits for any of it is told that it was not heard."""
        dropped = list(self._queue)
        self._queue.clear()
        for item in dropped:
            if error is None:
                now_s = asyncio.get_running_loop().time()
                self._resolve(item.started, Onset(now_s, self._run))
                self._resolve(item.finished, now_s)
            else:
                _fail_once(item.started, error)
                _fail_once(item.finished, error)

    def played_s(self) -> float:
        """Seconds of speech handed to the device."""
        return self._played_s

    @property
    def volume(self) -> float:
        """Gain of what is played."""
        return self._volume

    def set_volume(self, volume: float) -> None:
        """Gain from the next block on."""
        self._volume = volume

    async def close(self) -> None:
        """Release the device."""
        await self._device.close()

    def _fill(self, out: AudioArray, count: int, time: Any, status: Any) -> None:
        """PortAudio's callback: copies what is queued; allocates nothing."""
        assert self._loop is not None
        # The driver's own figure for when the block's first sample is heard, where it gives one that can be true.
        ahead_s = min(max(time.outputBufferDacTime - time.currentTime, 0.0), 2 * BUFFER_S)
        block_at_s = self._loop.time() + ahead_s
        runs_on, volume = self._runs_on(block_at_s, underflow=status.output_underflow), self._volume
        as_told, self._gain = runs_on and volume == self._gain, volume
        out.fill(0.0)
        filled = 0
        while filled < count:
            try:
                item = self._queue[0]
            except IndexError:
                break
            # Counted, for the driver's figure jitters from block to block.
            onset = Onset(self._run_began_s + (self._run_samples + filled) / self._rate_hz, self._run)
            if not item.begun:
                item.begun = True
                self._resolve(item.started, onset)
            elif not as_told:
                self._loop.call_soon_threadsafe(self._tell, item, (onset, item.samples[item.position :], self._rate_hz))
            as_told = True
            take = min(count - filled, len(item.samples) - item.position)
            np.multiply(item.samples[item.position : item.position + take], volume, out=out[filled : filled + take, 0])
            item.position += take
            filled += take
            self._played_s += take / self._rate_hz
            if item.position >= len(item.samples):
                self._resolve(item.finished, block_at_s + filled / self._rate_hz)
                # `stop` may have emptied the queue on the loop's thread in between, and somebody filled it again.
                with contextlib.suppress(ValueError):
                    self._queue.remove(item)
        self._run_samples += count

    def _runs_on(self, block_at_s: float, *, underflow: bool) -> bool:
        """Whether what begins to be heard at about that time follows what was played before to the sample. If not, a
        new run begins."""
        count_s = self._run_samples / self._rate_hz
        behind_s = block_at_s - self._run_began_s - count_s
        held_up = count_s > _SETTLES_S and behind_s > self._behind_s + _HELD_UP_S
        if self._run_samples and not underflow and not held_up:
            self._behind_s = max(self._behind_s, behind_s)
            return True
        self._run, self._run_began_s, self._run_samples, self._behind_s = self._run + 1, block_at_s, 0, 0.0
        return False

    def _begin(self, rate_hz: int) -> None:
        """The device is about to be opened at this rate. What is queued was made for that of the device before."""
        self._run_samples = 0
        if rate_hz != self._rate_hz:
            for item in list(self._queue):
                rest, item.position = item.samples[item.position :], 0
                item.samples = resample(rest, self._rate_hz, rate_hz)
            self._rate_hz = rate_hz

    async def _have_it_run(self) -> None:
        try:
            await self._device.run()
        except DeviceError as error:
            self._drop(error)
            raise

    async def _in_time(self, future: asyncio.Future[T]) -> T:
        """The future's result. When the device takes no more sound it is opened anew, once, and goes on where it was;
        raises `DeviceError` when that does not help."""
        opened_anew = False
        while True:
            played_s, (done, _) = self._played_s, await asyncio.wait({future}, timeout=_LOST_DEVICE_S)
            if done:
                return future.result()
            if self._played_s != played_s:
                continue
            with contextlib.suppress(DeviceError):
                if not opened_anew:
                    await self._device.restart()
                    opened_anew = True
                    continue
                await self._device.lose()
            break
        error = DeviceError(
            f"The speaker '{self.name}' takes no sound.", remedy="Check its cable; `assistant doctor` tells more."
        )
        self._drop(error)
        raise error

    def _tell(self, item: _Queued, correction: tuple[Onset, AudioArray, int]) -> None:
        """The rest of a chunk is heard otherwise than was told, or than will be told in a moment."""
        if not item.is_told:
            item.correction = correction
        elif self.heard_otherwise is not None:
            self.heard_otherwise(*correction)

    def _resolve(self, future: asyncio.Future[T], heard: T) -> None:
        """Tell `future` when something is heard; from any thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(_set_once, future, heard)


def _fail_once(future: asyncio.Future[T], error: DeviceError) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # nobody has to wait for it


def _set_once(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)
