"""Whoever pauses for longer than was waited is cut off: what they said so far makes no sense, and what they go on with
may make none by itself. Together it is one request all the same.
"""

from __future__ import annotations

from dataclasses import replace

from assistant.conversation.addressee import Understanding
from assistant.events import Utterance
from assistant.han import contains_han
from assistant.ports import Recognition
from assistant.wake.attention import Admission

_GOES_ON_S = 2.5
"""Silence after which what is said is something new. Whoever hears that they were not understood says it anew."""
_MARKS = " .,;:!?…-。，、；：！？"
"""How recognisers end what they take for a sentence."""


class CutOff:
    """Remembers what was answered last, if it made no sense."""

    def __init__(self, understanding: Understanding) -> None:
        self._understanding = understanding
        self._beginning: tuple[str, float] | None = None
        """What was said, and when its last word ended."""

    async def join(self, recognition: Recognition, utterance: Utterance) -> tuple[Recognition, float | None]:
        """What was said before and `recognition`, and the seconds between them, if only together they are a request;
        else `recognition`, and None. Raises what `understanding` raises, as `note` does."""
        if self._beginning is None:
            return recognition, None
        before, ended_at_s = self._beginning
        pause_s = utterance.started_at_s - ended_at_s
        if pause_s > _GOES_ON_S or await self._understanding.intent(recognition.text, recognition.language) is not None:
            return recognition, None
        text = _joined(before, recognition.text)
        if await self._understanding.intent(text, recognition.language) is None:
            return recognition, None
        return replace(recognition, text=text, perhaps=()), pause_s

    async def note(self, admission: Admission, recognition: Recognition, utterance: Utterance) -> None:
        """This is about to be answered. A language model makes sense of anything."""
        command, self._beginning = admission.command, None
        if not command or self._understanding.converses:
            return
        if await self._understanding.intent(command, recognition.language) is None:
            self._beginning = command, utterance.ended_at_s


def _joined(before: str, after: str) -> str:
    space = "" if contains_han(before) and contains_han(after) else " "
    return before.rstrip(_MARKS) + space + after.lstrip(_MARKS)
