"""A microphone and a speaker made of files: the same ports as the real ones, paced by the clock.

With the event loop's real clock they run in real time; on a loop in virtual time they run as fast as the machine can,
with the same timestamps.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import anyio
import numpy as np

from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from assistant.audio.files import resample
from assistant.events import AudioArray, AudioFrame, SpeechChunk
from assistant.ports import Clock, Onset


class ScriptedMicrophone:
    """Delivers silence, and whatever it is told to say, one frame every 32 ms of the clock."""

    name = "scripted microphone"
    virtual = True
    dropped = 0
    devices_changed: Callable[[], None] | None = None

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pending: AudioArray = np.zeros(0, np.float32)
        self._said = anyio.Event()
        self._closed = False

    async def open(self) -> None:
        """Start, or start again."""
        self._closed = False

    async def say(self, samples: AudioArray) -> None:
        """Speak 16 kHz samples into the microphone; returns when the last of them has been delivered, or would have
        been if the microphone were open."""
        ends_at_s = self._clock.monotonic_s() + len(samples) / SAMPLE_RATE_HZ
        if not self._closed:
            self._pending = np.concatenate([self._pending, samples])
            self._said = anyio.Event()
            await self._said.wait()
        if self._closed:
            await self._clock.sleep_until(ends_at_s)

    async def frames(self) -> AsyncGenerator[AudioFrame, None]:
        """Frames until `close`."""
        deadline_s = self._clock.monotonic_s()
        while not self._closed:
            deadline_s += FRAME_SAMPLES / SAMPLE_RATE_HZ
            await self._clock.sleep_until(deadline_s)
            block, self._pending = self._pending[:FRAME_SAMPLES], self._pending[FRAME_SAMPLES:]
            if len(block) < FRAME_SAMPLES:
                block = np.pad(block, (0, FRAME_SAMPLES - len(block)))
            yield AudioFrame(deadline_s, block, SAMPLE_RATE_HZ)
            if not len(self._pending):
                self._said.set()

    async def close(self, *, failed: bool = False) -> None:
        """End the stream; what was not delivered is lost."""
        self._closed = True
        self._pending = self._pending[:0]
        self._said.set()


class SilentSpeaker:
    """Plays on the clock what nobody hears: each chunk begins when the one before it would have ended."""

    name = "none"

    def __init__(self, clock: Clock) -> None:
        self.heard_otherwise: Callable[[Onset, AudioArray, int], None] | None = None
        self._clock = clock
        self._queue_end_s = 0.0
        self._queued_s = 0.0
        self._volume = 1.0

    async def open(self) -> None:
        """Start with nothing queued."""
        self._queue_end_s = self._clock.monotonic_s()

    async def play(self, chunk: SpeechChunk) -> Onset:
        """Queue a chunk and return when its first sample would be heard."""
        begins_s = max(self._clock.monotonic_s(), self._queue_end_s)
        seconds = len(chunk.samples) / chunk.sample_rate_hz
        self._queue_end_s = begins_s + seconds
        self._queued_s += seconds
        self._keep(begins_s, chunk)
        await self._clock.sleep_until(begins_s)
        return Onset(begins_s, run=0)

    async def drain(self) -> None:
        """Return when the last queued sample would have been heard."""
        await self._clock.sleep_until(self._queue_end_s)

    def stop(self) -> None:
        """Forget what was not heard yet."""
        self._queued_s = self.played_s()
        self._queue_end_s = min(self._queue_end_s, self._clock.monotonic_s())

    def played_s(self) -> float:
        """Seconds of speech heard so far."""
        return self._queued_s - max(0.0, self._queue_end_s - self._clock.monotonic_s())

    @property
    def volume(self) -> float:
        """Gain of what is played."""
        return self._volume

    def set_volume(self, volume: float) -> None:
        """Gain of what is played from now on."""
        self._volume = volume

    async def close(self) -> None:
        """Nothing to release."""

    def _keep(self, begins_s: float, chunk: SpeechChunk) -> None:
        """Nothing is kept."""


class RecordingSpeaker(SilentSpeaker):
    """Keeps what is played, each sample at the time at which it would have been heard."""

    name = "recording speaker"

    def __init__(self, clock: Clock, sample_rate_hz: int = 24_000) -> None:
        super().__init__(clock)
        self.sample_rate_hz = sample_rate_hz
        self._opened_at_s = 0.0
        self._blocks: list[tuple[float, AudioArray]] = []

    async def open(self) -> None:
        """Start the recording's time line."""
        await super().open()
        self._opened_at_s = self._clock.monotonic_s()

    def stop(self) -> None:
        """Cut the recording here."""
        super().stop()
        now_s = self._clock.monotonic_s()
        self._blocks = [(at_s, samples[: max(0, self._samples(now_s - at_s))]) for at_s, samples in self._blocks]

    def recording(self) -> AudioArray:
        """All that was heard, (n,) float32, from the opening to the last sample, silence between the replies."""
        begins = [(self._samples(at_s - self._opened_at_s), samples) for at_s, samples in self._blocks]
        track = np.zeros(max((first + len(samples) for first, samples in begins), default=0), np.float32)
        for first, samples in begins:
            track[first : first + len(samples)] = samples
        return track

    def _keep(self, begins_s: float, chunk: SpeechChunk) -> None:
        samples = resample(chunk.samples, chunk.sample_rate_hz, self.sample_rate_hz)
        self._blocks.append((begins_s, samples * np.float32(self._volume)))

    def _samples(self, seconds: float) -> int:
        return round(seconds * self.sample_rate_hz)
