"""What the speaker plays, on the microphone's time line."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.audio import SAMPLE_RATE_HZ
from assistant.audio.files import resample
from assistant.events import AudioArray

MAX_SAMPLES = 60 * SAMPLE_RATE_HZ
"""Most sound that is kept, played and to come; what goes beyond is not expected, so it is not removed either."""

FORGOTTEN = 2 * SAMPLE_RATE_HZ
"""What ended so long ago is not heard any more."""

EARLIEST = round(-0.15 * SAMPLE_RATE_HZ)
LATEST = round(0.42 * SAMPLE_RATE_HZ)
"""Where a chunk may be heard, against the time that the player stated."""

_RATE_DIGITS = 1000
_MOST_PADDING = 8
"""Of the rates in use, 22.05 kHz meets 16 kHz least often."""


@dataclass(slots=True, eq=False)
class PlayedChunk:
    """One chunk of a reply. Places are samples of the microphone, counted from time 0 at 16 kHz."""

    samples: AudioArray
    """float32, shape (n,), 16 kHz."""
    stated: int
    """Where its first sample is heard, as the player said."""
    first: int
    """Where it is heard as far as is known, ahead of the learned path."""
    drift: float
    """By how much it was stretched, to follow the microphone's clock."""
    run: int | None = None
    """Which others the player's times are exact against; None if it does not say."""
    stated_s: float = 0.0
    """`stated`, unrounded."""
    lead: float = 0.0
    """Samples of silence put before it, so that it lies between the microphone's samples where it is heard."""
    aligned: bool = False
    """Whether `first` was found in the microphone's own sound."""
    candidate: int | None = None
    """Where the last search found it."""
    found: tuple[int, float] | None = None
    """When it was found first, and where."""

    @property
    def end(self) -> int:
        """One past its last sample."""
        return self.first + len(self.samples)

    @property
    def earliest(self) -> int:
        """Where it may be heard first."""
        return self.first if self.aligned else min(self.first, self.stated + EARLIEST)


class PlayedReference:
    """Chunks in the order of playing; old ones are forgotten."""

    def __init__(self) -> None:
        self._chunks: deque[PlayedChunk] = deque()

    @property
    def end(self) -> int | None:
        """One past the last sample; None when nothing is known."""
        return max((chunk.end for chunk in self._chunks), default=None)

    @property
    def last(self) -> PlayedChunk | None:
        """The chunk that began last; None when nothing is known."""
        return self._chunks[-1] if self._chunks else None

    def place(
        self,
        samples: AudioArray,
        sample_rate_hz: int,
        heard_at_s: float,
        run: int | None,
        *,
        drift: float,
        expect: Callable[[int, int | None], int],
    ) -> bool:
        """A chunk, (n,) float32, begins to be heard at about `heard_at_s`; it is stretched by `drift`. Whether where it
        is heard follows from the last one of its `run`, which was found. Where not, `expect` tells it of where the
        player says, and of one past the last sample before."""
        stated = round(heard_at_s * SAMPLE_RATE_HZ)
        stretched_hz = round(SAMPLE_RATE_HZ * _RATE_DIGITS * (1.0 + drift))
        last = self.last
        if last is not None and last.aligned and run is not None and last.run == run:
            onset = last.first + last.lead + (heard_at_s - last.stated_s) * SAMPLE_RATE_HZ * (1.0 + last.drift)
            padding, lead = _between_samples(onset, stretched_hz / (sample_rate_hz * _RATE_DIGITS))
            padded = np.concatenate([np.zeros(padding, np.float32), samples])
            at_16_khz = resample(padded, sample_rate_hz * _RATE_DIGITS, stretched_hz)
            first = round(onset - lead)
            self.add(PlayedChunk(at_16_khz, stated, first, drift, run, heard_at_s, lead, aligned=True))
            return True
        at_16_khz = resample(samples, sample_rate_hz * _RATE_DIGITS, stretched_hz)
        self.add(PlayedChunk(at_16_khz, stated, expect(stated, self.end), drift, run, heard_at_s))
        return False

    def add(self, chunk: PlayedChunk) -> None:
        """A chunk begins; whatever was expected to be heard at the same time is cut short."""
        # Nobody else may call `forget` for a long time: frames come only while the microphone is open.
        self.forget(chunk.first - FORGOTTEN)
        self.cut(chunk.first)
        room = MAX_SAMPLES - sum(len(earlier.samples) for earlier in self._chunks)
        chunk.samples = chunk.samples[: max(0, room)]
        if len(chunk.samples):
            self._chunks.append(chunk)

    def cut(self, at: int) -> None:
        """Nothing that is known by now is heard from there on."""
        for chunk in self._chunks:
            chunk.samples = chunk.samples[: max(0, at - chunk.first)]

    def lose(self) -> None:
        """Where the chunks were found does not count any more."""
        for chunk in self._chunks:
            chunk.aligned, chunk.candidate, chunk.found = False, None, None

    def forget(self, before: int) -> None:
        """Drop what ended before that sample."""
        while self._chunks and self._chunks[0].end < before:
            self._chunks.popleft()

    def view(self, first: int, count: int) -> AudioArray:
        """`count` samples from `first` on, silence where nothing is played."""
        return self._view(first, count, [chunk.first for chunk in self._chunks])

    def stated_view(self, first: int, count: int) -> AudioArray:
        """The same, with chunks that were not found yet where the player says: from `EARLIEST` to `LATEST` after that
        they are heard."""
        return self._view(first, count, [chunk.first if chunk.aligned else chunk.stated for chunk in self._chunks])

    def _view(self, first: int, count: int, places: Sequence[int]) -> AudioArray:
        out = np.zeros(count, np.float32)
        for chunk, place in zip(self._chunks, places, strict=True):
            begin, end = max(first, place), min(first + count, place + len(chunk.samples))
            if begin < end:
                out[begin - first : end - first] = chunk.samples[begin - place : end - place]
        return out

    def at(self, first: int, end: int) -> PlayedChunk | None:
        """The latest chunk that may be heard somewhere in that range."""
        return next((chunk for chunk in reversed(self._chunks) if chunk.earliest < end and chunk.end > first), None)


def excerpt(samples: AudioArray, first: int, count: int) -> AudioArray:
    """`count` samples from `first` on, which may lie before the beginning or after the end: silence there."""
    out = np.zeros(count, np.float32)
    begin, end = max(0, first), min(len(samples), first + count)
    if begin < end:
        out[begin - first : end - first] = samples[begin:end]
    return out


def _between_samples(onset: float, scale: float) -> tuple[int, float]:
    """How many samples of silence before a chunk put its onset nearest to where it is between the microphone's samples,
    and how many of the microphone's these are; `scale` is one of its samples in the microphone's."""
    paddings = range(_MOST_PADDING)
    padding = min(paddings, key=lambda count: abs(onset - count * scale - round(onset - count * scale)))
    return padding, padding * scale
