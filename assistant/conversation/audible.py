"""When replies were heard, and what was said over them, after them, or in a silence between two of their sentences."""

from __future__ import annotations

import math
from collections import deque

from assistant.events import Utterance

_REMEMBERED = 32
"""So many of the newest times are kept: what a slow recogniser makes out now may have been said over an older reply."""

LINGERS_S = 0.6
"""Silence up to which a reply counts as being heard: the pause between two sentences is shorter, and so is the time
that its sound takes to the microphone."""

_DATED_EARLY_S = 0.1
"""By how much too early speech may seem to begin. So a reply counts as over so much before its end; to that last bit
nobody nods anyway."""


class AudibleTimes:
    """From when until when replies were heard, to the last sound of what has been given to the speaker."""

    def __init__(self) -> None:
        self._spans: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)

    @property
    def until_s(self) -> float:
        """When the newest one falls silent."""
        return self._spans[-1][1] if self._spans else -math.inf

    def add(self, since_s: float, until_s: float) -> None:
        """Something is heard. If it comes soon after the last that was, it belongs to that, and so does the silence
        between."""
        if since_s <= self.until_s + LINGERS_S:
            last_since_s, last_until_s = self._spans.pop()
            since_s, until_s = last_since_s, max(last_until_s, until_s)
        self._spans.append((since_s, until_s))

    def cut(self, at_s: float) -> None:
        """The newest one was silenced: until then it was heard, unless nothing had been for longer than between two
        sentences."""
        if at_s < self.until_s + LINGERS_S:
            self._spans[-1] = self._spans[-1][0], at_s

    def end(self) -> None:
        """The newest one was heard to its end: what begins with its last sound answers it."""
        since_s, until_s = self._spans[-1]
        self._spans[-1] = since_s, until_s - _DATED_EARLY_S

    def overlap(self, utterance: Utterance) -> bool:
        """Whether something was heard while the person spoke."""
        begins_s, ends_s = utterance.started_at_s, utterance.ended_at_s
        return any(begins_s < until_s and ends_s > since_s for since_s, until_s in self._spans)

    def trailed_by(self, utterance: Utterance) -> bool:
        """Whether it ended so soon after a last sound that it may be no more than the echo of that."""
        return any(since_s < utterance.ended_at_s <= until_s + LINGERS_S for since_s, until_s in self._spans)
