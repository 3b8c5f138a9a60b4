"""What was cut for its length is one request all the same: its pieces are recognised as they come, and joined."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from assistant.asr.transcriber import Timed
from assistant.dialogue.normalization import normalize
from assistant.events import Utterance
from assistant.han import WORD, contains_han

_MOST_PIECES = 3
"""A minute, with the usual `vad.max_utterance_s`. What goes on for longer without a pause, like a television, is taken
as it is so far: nobody would get an answer otherwise. Nor would they if the rest were taken for what is said next."""
_MOST_TWICE = 4
"""Words that may be heard twice: a piece begins with the sound of `vad.pre_roll_s` before the cut."""


class Whole(NamedTuple):
    """All that was said, and its text; the samples are those of the last piece alone."""

    utterance: Utterance
    timed: Timed
    is_rest: bool
    """Whether it goes on without a pause after what was taken as it was."""


class LongSpeech:
    """Keeps the pieces until the last one comes."""

    def __init__(self) -> None:
        self._so_far: tuple[Utterance, Timed] | None = None
        self._pieces = 0
        self._taken_until_s = -math.inf
        """Where the last of the pieces was cut that were taken as they were."""

    def goes_on_with(self, utterance: Utterance) -> bool:
        """Whether the pieces that are kept go on with `utterance`."""
        return self._so_far is not None and self._so_far[0].at_s == utterance.started_at_s

    def join(self, utterance: Utterance, timed: Timed) -> Whole | None:
        """What `utterance` is the last piece of; None while more will come of it. Pieces that do not go on with
        `utterance`, since that was never heard, are forgotten."""
        if self._so_far is not None and self.goes_on_with(utterance):
            first, before = self._so_far
            utterance = replace(utterance, started_at_s=first.started_at_s)
            timed = _joined(before, timed)
        else:
            self._pieces = 0
        self._pieces += 1
        if utterance.goes_on and self._pieces < _MOST_PIECES:
            self._so_far = utterance, timed
            return None
        self._so_far = None
        is_rest = utterance.started_at_s == self._taken_until_s
        self._taken_until_s = utterance.at_s if utterance.goes_on else -math.inf
        return Whole(utterance, timed, is_rest)


def _joined(before: Timed, after: Timed) -> Timed:
    one, other = before.recognition, after.recognition
    text = _joined_text(one.text, other.text)
    confidence = min(one.confidence, other.confidence)
    return replace(after, recognition=replace(other, text=text, confidence=confidence, perhaps=()))


def _joined_text(before: str, after: str) -> str:
    """Both, without the words at the end of `before` that are heard again, and whole, in `after`."""
    ends, begins = _words(before), _words(after)
    for count in range(min(_MOST_TWICE, len(ends), len(begins)), 0, -1):
        if [word for word, _ in ends[-count:]] == [word for word, _ in begins[:count]]:
            before = before[: ends[-count][1]]
            break
    space = "" if contains_han(before) and contains_han(after) else " "
    return space.join(filter(None, (before.strip(), after.strip())))


def _words(text: str) -> list[tuple[str, int]]:
    """Words, or Chinese characters, and where each begins."""
    found = ((normalize(match.group()), match.start()) for match in WORD.finditer(text))
    return [(word, begins) for word, begins in found if word]
