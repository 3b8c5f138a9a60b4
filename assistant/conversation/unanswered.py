"""Who asked something and got no answer, since there was no speaker to give it with."""

from __future__ import annotations

import math

from assistant.events import Event, Interruption, PlaybackFinished, TurnStarted

_STILL_WAITS_S = 120.0
"""Whoever was not answered for longer has asked somebody else, or knows no more what it was about."""


class Unanswered:
    """Knows the request that was asked last, and what became of its answer."""

    def __init__(self) -> None:
        self._asked = 0
        """Its turn; 0 once its answer was broken off, which nobody waits for then."""
        self._given_up_at_s = -math.inf

    def note(self, event: Event, *, no_speaker: bool) -> None:
        """Something happened; `no_speaker` while the speaker is lost."""
        if isinstance(event, TurnStarted):
            self._asked, self._given_up_at_s = event.turn_id, -math.inf
        elif isinstance(event, Interruption) and event.turn_id == self._asked:
            self._asked = 0
        elif isinstance(event, PlaybackFinished) and event.turn_id == self._asked:
            nothing_heard = not event.completed and not event.begun
            self._given_up_at_s = event.at_s if no_speaker and nothing_heard else -math.inf

    def waiting(self, now_s: float) -> int | None:
        """The turn of who waits still, None if nobody does; they are given once, whatever comes of it."""
        waits_for_s, self._given_up_at_s = now_s - self._given_up_at_s, -math.inf
        return self._asked if waits_for_s <= _STILL_WAITS_S else None

    def was_last(self, turn_id: int) -> bool:
        """Whether nothing was asked since, nor called for."""
        return self._asked == turn_id
