"""The microphone through PortAudio."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, Callable
from typing import Any

import anyio
import numpy as np

from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, portaudio, sound_devices, sound_server
from assistant.audio.server_changes import tell_changes
from assistant.config import AudioConfig
from assistant.errors import DeviceError
from assistant.events import AudioArray, AudioFrame
from assistant.streams import DropOldest

_SILENT_DEVICE_S = 2.0
"""A device that delivers nothing for this long is lost: a running one delivers a block every 32 ms."""

_LOOK_EVERY_S = 60.0
"""How often the sound server is asked what it has us record, whatever it tells by itself."""

_SETTLES_S = 0.3
"""How long after it has told of one change it has made those that belong to it."""


class Microphone:
    """Mono sound from one input device at 16 kHz, whatever the device's own rate is."""

    def __init__(self, config: AudioConfig) -> None:
        self._config = config
        self._capacity = round(config.queue_s * SAMPLE_RATE_HZ / FRAME_SAMPLES)
        self._frames: DropOldest[AudioFrame] = DropOldest(self._capacity)
        self._capture: _Capture | None = None
        self._dropped = 0
        self._stream: Any = None
        """Touched by the sound library's thread only."""
        self._epoch = 0
        self._is_open = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._known_as = ""
        self._watching: asyncio.Task[None] | None = None
        self._moved: DeviceError | None = None
        """What it records by now, if that is no microphone any more."""
        self.name = config.input
        self.virtual = False
        self.devices_changed: Callable[[], None] | None = None
        self.heard: Callable[[AudioFrame], None] | None = None
        """Told of every frame that is taken, as it is taken."""

    @property
    def dropped(self) -> int:
        """Frames dropped because the pipeline, or this process, was too slow or failed."""
        return self._dropped + self._frames.dropped + (self._capture.overflows if self._capture else 0)

    async def open(self) -> None:
        """Start capturing, unless it does already. A device that was open before is found by its name, whatever its
        index is by now. Raises `DeviceError`."""
        if self._is_open:
            return
        if not portaudio.hangs():
            await self.close()
            self._frames = DropOldest(self._capacity)
        self._loop = asyncio.get_running_loop()
        await portaudio.ask("input", self.name, self._open)
        self._is_open = True
        portaudio.on_rescan(self._start_again)
        self.virtual = False
        if sound_server.is_behind(self.name):  # from before the first look, so that no change falls in between
            self._watching = asyncio.create_task(self._watch())
        try:
            await self._look()
        except DeviceError:
            await self.close()
            raise

    async def frames(self) -> AsyncGenerator[AudioFrame, None]:
        """Frames until the microphone is closed. Raises `DeviceError` when the device falls silent, or the sound server
        has put something else in its place."""
        frames = self._frames.__aiter__()
        while True:
            try:
                with anyio.fail_after(_SILENT_DEVICE_S):
                    frame = await frames.__anext__()
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise DeviceError(
                    f"The microphone '{self.name}' delivered nothing for {_SILENT_DEVICE_S:g} s.",
                    remedy="Check its cable; it is opened again as soon as it is back.",
                ) from None
            if self._moved is not None:
                raise self._moved
            if self.heard is not None:
                self.heard(frame)
            yield frame

    async def close(self, *, failed: bool = False) -> None:
        """Release the device; what nobody has taken counts as dropped if whoever listens has `failed`."""
        portaudio.off_rescan(self._start_again)
        self._is_open, self._moved = False, None
        if self._watching is not None:
            self._watching.cancel()
        if failed:
            self._frames.drop_rest()
        self._dropped, self._capture = self.dropped, None
        self._frames.close()
        self._frames.dropped = 0
        if self._loop is not None:  # an opening that nobody waits for any more may still succeed
            await portaudio.release(self._release)

    async def _look(self) -> None:
        """See what the sound server has it record. Raises `DeviceError` when that is no microphone."""
        virtual = await asyncio.to_thread(sound_server.is_virtual, self.name)
        if virtual is not None:
            self.virtual = virtual

    async def _watch(self) -> None:
        """The server moves a stream without a word to it: when its device is pulled, and when another is chosen."""
        changed = asyncio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(tell_changes, changed.set)
            while self._moved is None:
                with anyio.move_on_after(_LOOK_EVERY_S):
                    await changed.wait()
                    await anyio.sleep(_SETTLES_S)
                    changed.clear()
                    if self.devices_changed is not None:
                        self.devices_changed()
                try:
                    await self._look()
                except DeviceError as error:
                    self._moved = error
            group.cancel_scope.cancel()

    def _open(self) -> None:
        try:
            self._start()
        except DeviceError:
            # A sound server that is back shows in no list of cards; but it can wait for the end of a reply.
            if portaudio.is_playing() and not portaudio.devices_changed():
                raise
            portaudio.rescan()
            self._start()

    def _release(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None and self._epoch == portaudio.epoch():
            stream.close(ignore_errors=True)

    def _start(self) -> None:
        device = sound_devices.find(self._config.input, "input", known_as=self._known_as)
        self.name = self._known_as = device.name
        sounddevice = portaudio.load()
        loop = self._loop
        assert loop is not None

        def make(rate_hz: int) -> Any:
            overflows = self._capture.overflows if self._capture else 0  # of before a rescan
            self._capture = _Capture(loop, self._frames, rate_hz, overflows)
            return sounddevice.InputStream(
                device=device.index,
                samplerate=rate_hz,
                channels=1,
                dtype="float32",
                blocksize=FRAME_SAMPLES * rate_hz // SAMPLE_RATE_HZ,
                latency="low",
                callback=self._capture,
            )

        self._stream, _ = sound_devices.start_stream(device, "input", (SAMPLE_RATE_HZ, device.default_rate_hz), make)
        self._epoch = portaudio.epoch()

    def _start_again(self) -> None:
        """The stream went with a rescan that somebody else needed."""
        self._stream = None
        # If the device is gone now, nothing comes any more, and `frames` says so.
        with contextlib.suppress(DeviceError):
            self._start()


class _Capture:
    """PortAudio's callback: copies a block and hands it over, nothing else."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, frames: DropOldest[AudioFrame], rate_hz: int, overflows: int
    ) -> None:
        self._loop = loop
        self._frames = frames
        self._rate_hz = rate_hz
        self._rest: AudioArray = np.zeros(0, np.float32)
        self.overflows = overflows
        """How often the driver had to throw sound away because this process did not take it."""
        self._heard_until_s = -math.inf
        self._resampler: Any = None
        if rate_hz != SAMPLE_RATE_HZ:
            import soxr

            self._resampler = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")

    def __call__(self, data: AudioArray, count: int, time: Any, status: Any) -> None:
        self.overflows += bool(status.input_overflow)
        # The driver's own age of the block, where it tells one that can be true.
        age_s = min(max(time.currentTime - time.inputBufferAdcTime - count / self._rate_hz, 0.0), 0.2)
        # On a busy machine these ages jump; the sound itself never goes back.
        at_s = self._heard_until_s = max(self._heard_until_s, self._loop.time() - age_s)
        # Resampling, ours or the sound server's, overshoots the range where the sound is loudest.
        samples = np.clip(np.nan_to_num(data[:, 0]), -1.0, 1.0)  # what is no number is no sound
        if self._resampler is not None:
            resampled = np.clip(self._resampler.resample_chunk(samples), -1.0, 1.0)
            samples = np.concatenate([self._rest, resampled])
            whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
            samples, self._rest = samples[:whole], samples[whole:]
        for start in range(0, len(samples), FRAME_SAMPLES):
            frame = AudioFrame(at_s, samples[start : start + FRAME_SAMPLES], SAMPLE_RATE_HZ)
            self._loop.call_soon_threadsafe(self._frames.put, frame)
