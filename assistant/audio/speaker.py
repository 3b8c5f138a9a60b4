"""The speaker through PortAudio."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

import anyio
import numpy as np

from assistant.audio import portaudio
from assistant.audio.files import resample
from assistant.config import AudioConfig
from assistant.errors import DeviceError
from assistant.events import AudioArray, SpeechChunk

_RATE_HZ = 24_000
"""Rate of the default voices, so that they pass through untouched."""


@dataclass(slots=True)
class _Queued:
    samples: AudioArray
    started: asyncio.Future[float]
    finished: asyncio.Future[float]
    position: int = 0


class Speaker:
    """Mono speech on one output device."""

    def __init__(self, config: AudioConfig) -> None:
        self._config = config
        self._volume = config.volume
        self._queue: deque[_Queued] = deque()
        self._last_finished: asyncio.Future[float] | None = None
        self._played = 0
        self._latency_s = 0.0
        self._stream: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rate_hz = _RATE_HZ
        self.name = config.output

    async def open(self) -> None:
        """Start the device; it plays silence until there is something to say. Raises `DeviceError`."""
        device = portaudio.find(self._config.output, "output")
        self.name = device.name
        self._loop = asyncio.get_running_loop()
        sounddevice = portaudio.load()
        for rate_hz in dict.fromkeys((_RATE_HZ, device.default_rate_hz)):
            try:
                self._stream = sounddevice.OutputStream(
                    device=device.index,
                    samplerate=rate_hz,
                    channels=1,
                    dtype="float32",
                    latency="low",
                    callback=self._fill,
                )
                self._rate_hz = rate_hz
                self._stream.start()
                self._latency_s = self._stream.latency
                return
            except sounddevice.PortAudioError as error:
                failure = error
        raise DeviceError(
            f"The speaker '{device.name}' cannot be opened at {_RATE_HZ} or {device.default_rate_hz} Hz: {failure}",
            remedy="Another program may hold it; `assistant doctor` tells more.",
        ) from failure

    async def play(self, chunk: SpeechChunk) -> float:
        """Queue a chunk and return when its first sample is handed to the device; the result adds what the device
        still buffers before it is heard."""
        samples = resample(chunk.samples, chunk.sample_rate_hz, self._rate_hz)
        loop = asyncio.get_running_loop()
        queued = _Queued(samples, loop.create_future(), loop.create_future())
        self._last_finished = queued.finished
        self._queue.append(queued)
        # Longest possible wait: all that is queued before it, and one lost device.
        ahead_s = sum(len(item.samples) for item in self._queue) / self._rate_hz
        try:
            with anyio.fail_after(ahead_s + 3.0):
                return await queued.started
        except TimeoutError:
            self.stop()
            raise DeviceError(
                f"The speaker '{self.name}' takes no sound.", remedy="Check its cable; `assistant doctor` tells more."
            ) from None

    async def drain(self) -> None:
        """Return when everything queued has been heard."""
        if self._last_finished is not None:
            heard_at_s = await asyncio.shield(self._last_finished)
            await anyio.sleep(max(0.0, heard_at_s - asyncio.get_running_loop().time()))

    def stop(self) -> None:
        """Fall silent within one block."""
        dropped = list(self._queue)
        self._queue.clear()
        for item in dropped:
            self._resolve(item.started, 0)
            self._resolve(item.finished, 0)

    def played_s(self) -> float:
        """Seconds of speech handed to the device."""
        return self._played / self._rate_hz

    def set_volume(self, volume: float) -> None:
        """Gain from the next block on."""
        self._volume = volume

    async def close(self) -> None:
        """Release the device."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            stream.close(ignore_errors=True)

    def _fill(self, out: AudioArray, count: int, time: Any, status: Any) -> None:
        """PortAudio's callback: copies what is queued; allocates nothing."""
        out.fill(0.0)
        filled = 0
        while filled < count:
            try:
                item = self._queue[0]
            except IndexError:
                return
            if item.position == 0:
                self._resolve(item.started, filled)
            take = min(count - filled, len(item.samples) - item.position)
            np.multiply(
                item.samples[item.position : item.position + take], self._volume, out=out[filled : filled + take, 0]
            )
            item.position += take
            filled += take
            self._played += take
            if item.position >= len(item.samples):
                self._resolve(item.finished, filled)
                # `stop` may have emptied the queue on the loop's thread in between.
                if self._queue and self._queue[0] is item:
                    self._queue.popleft()

    def _resolve(self, future: asyncio.Future[float], offset: int) -> None:
        """Tell `future` when the sample at `offset` of the current block will be heard; from any thread."""
        assert self._loop is not None
        heard_at_s = self._loop.time() + self._latency_s + offset / self._rate_hz
        self._loop.call_soon_threadsafe(_set_once, future, heard_at_s)


def _set_once(future: asyncio.Future[float], value: float) -> None:
    if not future.done():
        future.set_result(value)
