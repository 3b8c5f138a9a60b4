"""Finding each chunk of a reply in the microphone's sound: the player's own times are off by a tenth of a second, the
path from there to the microphone is unknown, and the two devices' clocks drift apart."""

from __future__ import annotations

from collections import deque

import numpy as np

from assistant.audio import SAMPLE_RATE_HZ
from assistant.audio.echo_delay import find_delay
from assistant.audio.echo_filter import EchoPath
from assistant.audio.echo_reference import EARLIEST, LATEST, PlayedChunk, excerpt
from assistant.events import AudioArray

_HEAD = 192
"""Where in the learned response the strongest sound is put: what comes before it through smearing has room."""
_FIRST_SEARCH = round(0.25 * SAMPLE_RATE_HZ)
_SEARCH_EVERY, _CHECK_EVERY = 4, 16
"""Frames between two searches, before and after a chunk has been found."""
_CERTAIN, _LIKELY = 18.0, 9.0
"""Clarity at which one search is enough, and at which two that agree are."""
_CLEAR = 12.0
_CONTIGUOUS = round(0.2 * SAMPLE_RATE_HZ)
"""A chunk that is said to begin this near to the end of the one before follows it without a gap."""
_FASTEST_DRIFT = 200e-6


class Alignment:
    """Keeps what was learned about delays and clocks from reply to reply."""

    def __init__(self) -> None:
        self._delays: deque[int] = deque(maxlen=15)
        self._drift_weight = 10.0 * SAMPLE_RATE_HZ**2
        """Counts as ten one-second measurements of no drift, so that the first real ones cannot mislead."""
        self._drift_sum = 0.0
        self._frames = 0

    @property
    def drift(self) -> float:
        """How much longer the microphone's clock says that the speaker takes: 1e-6 is one part in a million."""
        return float(np.clip(self._drift_sum / self._drift_weight, -_FASTEST_DRIFT, _FASTEST_DRIFT))

    def place(self, stated: int, previous_end: int | None) -> int:
        """Where to expect a chunk before it has been found."""
        first = stated + (int(np.median(self._delays)) if self._delays else 0)
        if previous_end is not None and abs(first - previous_end) < _CONTIGUOUS:
            return previous_end
        return first

    def find(self, chunk: PlayedChunk, heard: AudioArray, end: int, path: EchoPath) -> int:
        """Look for the chunk in `heard`, the last second of the microphone up to sample `end`, where that is due.

        Returns by how much the chunk was moved, 0 if not at all; the learned path may be shifted with it.
        """
        self._frames += 1
        if self._frames % (_CHECK_EVERY if chunk.aligned else _SEARCH_EVERY) or end < chunk.stated + _FIRST_SEARCH:
            return 0
        count = min(len(heard), end - chunk.stated - EARLIEST)
        since = end - count
        played = excerpt(chunk.samples, since - LATEST - chunk.stated, count + LATEST - EARLIEST)
        if np.dot(played, played) < 1e-3:
            return 0
        raw, fit = find_delay(heard[-count:], played, path.response())
        raw_first, clarity = chunk.stated + LATEST - raw.offset, raw.clarity
        first = round(raw_first) - _HEAD
        wander = 0
        if fit.clarity > max(8.0, 0.7 * raw.clarity):
            fit_first, clarity = round(chunk.stated + LATEST - fit.offset), fit.clarity
            wander, first = first - fit_first, fit_first
        agrees = chunk.candidate is not None and abs(first - chunk.candidate) <= 2
        chunk.candidate = first
        if raw.clarity > _CLEAR:
            self._measure_drift(chunk, end, raw_first)
        if chunk.aligned:
            return self._move(chunk, first) if agrees and clarity > _CLEAR else 0
        if clarity < (_LIKELY if agrees else _CERTAIN):
            return 0
        if 16 < abs(wander) < _HEAD:
            # The learned response has moved within its filter, as it does when clocks drift: put it back.
            path.shift(-wander)
            first += wander
        chunk.aligned = True
        self._delays.append(first - chunk.stated)
        return self._move(chunk, first)

    def _measure_drift(self, chunk: PlayedChunk, at: int, first: float) -> None:
        if chunk.found is None:
            chunk.found = (at, first)
            return
        elapsed, moved = at - chunk.found[0], first - chunk.found[1]
        if abs(moved) < max(3.0, _FASTEST_DRIFT * elapsed):
            self._drift_weight = 0.99 * self._drift_weight + float(elapsed) ** 2
            self._drift_sum = 0.99 * self._drift_sum + elapsed * (moved + chunk.drift * elapsed)

    @staticmethod
    def _move(chunk: PlayedChunk, first: int) -> int:
        moved = first - chunk.first
        chunk.first = first
        return moved
