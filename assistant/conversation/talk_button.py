"""The talk button: what was said before it was pressed is not answered any more, and what is said next is."""

from __future__ import annotations

import math
from collections.abc import Callable

from assistant.conversation.floor import Floor
from assistant.events import SpeechContinued, SpeechEnded, SpeechPaused, SpeechStarted, Utterance
from assistant.ports import Clock
from assistant.vad.endpointing import SpeechEvent

_LATE_S = 1.0
"""Who presses it as they speak is heard from their first word on. What had been known to be speech for longer was going
on anyway, like a television."""


class TalkButton:
    """Tells what it was pressed for from what it was pressed over."""

    def __init__(self, floor: Floor, clock: Clock, end_after: Callable[[float, Utterance], None]) -> None:
        """`end_after` has the endpointer end the pause of an utterance after that many seconds of silence."""
        self._floor = floor
        self._clock = clock
        self._end_after = end_after
        self._pressed_at_s = -math.inf
        self._over_s = -math.inf
        """When it was known that somebody spoke over whom it was pressed."""
        self._since_s = -math.inf
        """When it was known that somebody spoke who has not been silent since, however often that was cut."""
        self._ended: SpeechEnded | None = None
        """The newest."""
        self._pause: Utterance | None = None
        """What was said before the pause that lasts."""

    def press(self) -> None:
        """Somebody presses it."""
        self._pressed_at_s = now_s = self._clock.monotonic_s()
        since_s = self._floor.speaks_since_s
        if since_s is not None and self._since_s < now_s - _LATE_S:
            self._over_s = since_s
        self._end_pause()

    def note(self, event: SpeechEvent | SpeechContinued) -> None:
        """Something was heard."""
        if isinstance(event, SpeechEnded):
            self._ended = event
        elif isinstance(event, SpeechStarted):
            self._note_start(event.at_s)
        if not isinstance(event, SpeechContinued):
            self._pause = event.utterance if isinstance(event, SpeechPaused) else None
            self._end_pause()

    def gives_up(self, utterance: Utterance) -> bool:
        """Whether it was pressed since the last word of an utterance, or long after its first."""
        return utterance.ended_at_s <= self._pressed_at_s or utterance.started_at_s <= self._over_s

    @property
    def person_asks(self) -> bool:
        """Whether somebody says what will be answered."""
        since_s = self._floor.speaks_since_s
        if since_s is None or since_s <= self._over_s:
            return False
        return self._pause is None or not self.gives_up(self._pause)

    def _note_start(self, at_s: float) -> None:
        if self._ended is None or self._ended.at_s != at_s:
            self._since_s = at_s
        elif self.gives_up(self._ended.utterance):  # What goes on after a cut is given up with it.
            self._over_s = at_s

    def _end_pause(self) -> None:
        # However soon the next sentence comes, it is none with the one before.
        if self._pause is not None and self._pause.ended_at_s <= self._pressed_at_s:
            self._end_after(0.0, self._pause)
