"""Whoever pauses for longer than was waited is cut off: what they said so far makes no sense, and what they go on with
may make none by itself. Together it is one request all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from assistant.conversation.addressee import Understanding
from assistant.dialogue.small_words import is_hum, unclear_stop
from assistant.events import Utterance
from assistant.han import contains_han
from assistant.ports import Recognition

_GOES_ON_S = 2.5
"""Silence after which what is said is something new."""
_HEARS_S = 1.5
"""Who is silent for longer has heard that they were not understood: that is no pause of theirs."""
_MOST_PIECES = 3
"""What goes on without making sense for longer is rather a television."""
_MARKS = " .,;:!?…-。，、；：！？"
"""How recognisers end what they take for a sentence."""


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What was said so far."""

    text: str
    ended_at_s: float
    """When its last word ended."""
    pieces: int = 1


class CutOff:
    """Remembers what was answered last, if it made no sense."""

    def __init__(self, understanding: Understanding) -> None:
        self._understanding = understanding
        self._beginning: _Beginning | None = None

    @property
    def pending(self) -> bool:
        """Whether what was answered last made no sense, so that what is said over the answer may go on with it."""
        return self._beginning is not None

    async def join(self, recognition: Recognition, utterance: Utterance) -> tuple[Recognition, float | None]:
        """What was said before and `recognition`, if only together they are a request, and the seconds that the speaker
        paused between them, if that tells how they pause; else `recognition`, and None."""
        before = self._beginning
        if before is None or utterance.started_at_s - before.ended_at_s > _GOES_ON_S:
            return recognition, None
        if unclear_stop(recognition) is not None:
            return recognition, None
        if await self._understanding.intent(recognition.text, recognition.language) is not None:
            return recognition, None
        text = before.text if is_hum(recognition.text) else _joined(before.text, recognition.text)
        if text == before.text or await self._understanding.intent(text, recognition.language) is None:
            goes_on = before.pieces < _MOST_PIECES
            self._beginning = _Beginning(text, utterance.ended_at_s, before.pieces + 1) if goes_on else None
            return recognition, None
        pause_s = utterance.started_at_s - before.ended_at_s
        return replace(recognition, text=text, perhaps=()), pause_s if pause_s <= _HEARS_S else None

    def note(self, text: str, utterance: Utterance) -> None:
        """This makes no sense, and is about to be answered."""
        if self._beginning is None or self._beginning.ended_at_s != utterance.ended_at_s:
            self._beginning = _Beginning(text, utterance.ended_at_s)

    def forget(self) -> None:
        """What was said makes sense, or what is said from now on has nothing to do with it."""
        self._beginning = None


def _joined(before: str, after: str) -> str:
    space = "" if contains_han(before) and contains_han(after) else " "
    return before.rstrip(_MARKS) + space + after.lstrip(_MARKS)
