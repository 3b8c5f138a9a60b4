"""Simulated rooms: a loudspeaker whose sound reaches the microphone late, reverberated, distorted, on another clock."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.audio.files import resample
from assistant.events import AudioArray

RATE_HZ = 16_000
SPEECH_LEVEL = 0.05
"""Root mean square of a person's speech at the microphone: -26 dBFS."""


@dataclass(frozen=True, slots=True)
class Room:
    """A speaker and a microphone in a room."""

    seed: int = 0
    rt60_s: float = 0.3
    """Time in which the reverberation falls by 60 dB."""
    direct_db: float = 3.0
    """Energy of the direct sound over that of the reverberation."""
    delay_s: float = 0.06
    """From the moment at which the player says that a sample is heard, to the microphone."""
    echo_db: float = -6.0
    """Level of the echo over that of a person's speech."""
    noise_db: float = -40.0
    """Level of the noise under that of a person's speech."""
    drift_ppm: float = 0.0
    """How much faster the speaker's clock runs than the microphone's."""
    drive: float = 0.0
    """Soft clipping of the loudspeaker: 0 is none, 1 is what a small one does when loud."""

    def impulse_response(self) -> AudioArray:
        """(n,) float32 at 16 kHz, of unit energy: the direct sound, then noise that decays exponentially."""
        rng = np.random.default_rng(self.seed)
        count = int(1.2 * self.rt60_s * RATE_HZ)
        tail = rng.normal(0.0, 1.0, count) * 10 ** (-3.0 * np.arange(count) / (self.rt60_s * RATE_HZ))
        tail[: int(0.002 * RATE_HZ)] = 0.0
        tail *= np.sqrt(10 ** (-self.direct_db / 10) / np.sum(tail**2))
        tail[0] = 1.0
        return (tail / np.sqrt(np.sum(tail**2))).astype(np.float32)

    def echo(self, played: AudioArray, level: float | None = None) -> AudioArray:
        """What the microphone hears of `played` (n,), as long as it; both at 16 kHz and on the same time line.
        `level` is the root mean square that is to arrive at `echo_db`, that of `played` by default."""
        active = played_level(played) if level is None else level
        emitted = self._loudspeaker(played, active)
        if self.drift_ppm:
            times = np.arange(len(emitted)) * (1.0 + self.drift_ppm * 1e-6)
            emitted = band_limited_at(emitted, times)
        heard = convolved(emitted, self.impulse_response())
        heard = np.concatenate([np.zeros(round(self.delay_s * RATE_HZ)), heard])[: len(played)]
        gain = SPEECH_LEVEL * 10 ** (self.echo_db / 20) / active if active else 0.0
        return (heard * gain).astype(np.float32)

    def noise(self, count: int) -> AudioArray:
        """Pink-ish noise of the room, (count,)."""
        white = np.random.default_rng(self.seed + 1).normal(0.0, 1.0, count + 64)
        pink = np.convolve(white, 0.85 ** np.arange(64), "full")[64 : 64 + count]
        pink *= SPEECH_LEVEL * 10 ** (self.noise_db / 20) / np.sqrt(np.mean(pink**2))
        return pink.astype(np.float32)

    def _loudspeaker(self, played: AudioArray, level: float) -> AudioArray:
        """A small one: little below 300 Hz, and it limits."""
        spectrum = np.fft.rfft(played)
        frequency_hz = np.fft.rfftfreq(len(played), 1 / RATE_HZ)
        spectrum *= frequency_hz**2 / (frequency_hz**2 + 250.0**2)
        sound = np.fft.irfft(spectrum, len(played))
        if not self.drive:
            return sound.astype(np.float32)
        scale = self.drive / (3.0 * level + 1e-9)
        # The small offset makes it asymmetric, so that it distorts in even harmonics too.
        offset = 0.1 * self.drive
        return ((np.tanh(scale * sound + offset) - np.tanh(offset)) / scale).astype(np.float32)


def played_level(samples: AudioArray) -> float:
    """Root mean square of the parts that are not silent."""
    voiced = samples[np.abs(samples) > 1e-4]
    return float(np.sqrt(np.mean(voiced**2))) if len(voiced) else 0.0


def convolved(samples: AudioArray, response: AudioArray) -> AudioArray:
    """The full convolution's first `len(samples)` samples."""
    size = 1 << (len(samples) + len(response)).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(samples)].astype(np.float32)


def band_limited_at(samples: AudioArray, times: np.ndarray) -> AudioArray:
    """`samples` at fractional positions (cubic interpolation of the signal at twice its rate)."""
    fine = np.fft.irfft(np.fft.rfft(samples), 4 * len(samples)) * 4.0
    position = np.clip(times * 4.0, 1, len(fine) - 3)
    index = position.astype(np.int64)
    part = position - index
    return (fine[index] * (1 - part) + fine[index + 1] * part).astype(np.float32)


@dataclass(frozen=True, slots=True)
class StatedChunk:
    """A chunk as the player tells of it."""

    begins_s: float
    """When its first sample really leaves."""
    stated_s: float
    """When the player says that it does."""
    told_s: float
    """When the player says so."""
    samples: AudioArray
    """(n,) at 24 kHz."""
    run: int
    """Among which chunks what it says is off by the same."""


@dataclass(frozen=True, slots=True)
class Playback:
    """Replies of one to three chunks, with pauses. The player's times are up to 0.15 s off, in a reply by the same."""

    chunks: tuple[StatedChunk, ...]
    last_reply_s: float
    """When the last reply begins."""

    @classmethod
    def of(cls, chunks: Sequence[AudioArray], *, seed: int, last_reply: int = 1, runs: int = 0) -> Playback:
        """`chunks` in order; the last `last_reply` of them are one reply. `runs` replies were played before."""
        draw, now_s, left, stated, last_s, error_s, run = random.Random(seed), 1.5, 0, [], 0.0, 0.0, runs
        for number, samples in enumerate(chunks):
            is_first = left == 0 or number == len(chunks) - last_reply
            if is_first:
                left = len(chunks) - number if number >= len(chunks) - last_reply else draw.choice((1, 1, 2, 3))
                now_s += round(draw.uniform(1.2, 4.0) * 24_000) / 24_000 if number else 0.0
                last_s = now_s
            another_s = draw.uniform(-1.0, 1.0) * 0.15
            error_s = another_s if is_first else error_s
            run += is_first
            stated.append(StatedChunk(now_s, now_s + error_s, now_s - draw.uniform(0.0, 0.1), samples, run))
            # Most chunks follow each other without a gap; some are late.
            now_s += len(samples) / 24_000 + draw.choice((0.0, 0.0, 0.0, 0.06, 0.3))
            left -= 1
        return cls(tuple(stated), last_s)


class Loudspeaker:
    """Plays into a room, and tells what it plays as a player does."""

    def __init__(self, room: Room, playback: Playback) -> None:
        self._room = room
        self._playback = playback
        self._told = 0
        last = playback.chunks[-1]
        self.count = round((last.begins_s + len(last.samples) / 24_000 + 3.0) * RATE_HZ)
        """Samples of the whole run at 16 kHz."""
        played = np.zeros(self.count * 24_000 // RATE_HZ, np.float32)
        for chunk in playback.chunks:
            first = round(chunk.begins_s * 24_000)
            played[first : first + len(chunk.samples)] += chunk.samples
        self._played = resample(played, 24_000, RATE_HZ)[: self.count]
        self._noise = room.noise(self.count)

    def again(self) -> Loudspeaker:
        """The same from the beginning."""
        return Loudspeaker(self._room, self._playback)

    def begun(self, now_s: float) -> list[StatedChunk]:
        """The chunks that the player tells of up to now, each once; none after it was stopped."""
        chunks = self._playback.chunks[self._told :]
        new = [chunk for chunk in chunks if chunk.told_s <= now_s]
        self._told += len(new)
        return new

    def sound(self) -> AudioArray:
        """What the microphone hears of it, and the room's noise, (count,)."""
        return self._room.echo(self._played) + self._noise

    def stopped(self, at_s: float) -> AudioArray:
        """The same if it falls silent at that time."""
        self._told = len(self._playback.chunks)
        level = played_level(self._played)
        played = self._played.copy()
        played[round(at_s * RATE_HZ) :] = 0.0
        return self._room.echo(played, level) + self._noise
