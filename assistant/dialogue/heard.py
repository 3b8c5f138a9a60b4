"""What was heard of a sentence that was broken off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.dialogue.numbers import is_number_word
from assistant.han import HAN_RANGE

_WORD = re.compile(rf"[{HAN_RANGE}]\s*|[^\s{HAN_RANGE}]+\s*")
_MARKS = " ,;:.!?…，、；：。！？—-"


def heard_part(text: str, share: float) -> str:
    """The words of `text` that end within that share (0 to 1) of it, marked as broken off: "I can tell you what…",
    我可以告诉你…; empty if there is none.

    A number is heard as a whole or not at all, for twenty is not twenty-five; neither are words of Latin letters or
    digits among Chinese characters cut. Sound is taken to be as long as its letters are many.
    """
    text = text.strip()
    limit, end = share * len(text), 0
    for unit in _units(text):
        if end + len(unit.rstrip(_MARKS)) > limit:
            break
        end += len(unit)
    part = text[:end].rstrip(_MARKS)
    return f"{part}…" if 0 < end < len(text) else text[:end]


def _units(text: str) -> Iterator[str]:
    """Words or Chinese characters, with what follows before the next; those of a number together."""
    words = _WORD.findall(text)
    unit, within_number = "", False
    for word, after in zip(words, [*words, ""][1:], strict=True):
        goes_on = _is_number(word) or (word.strip() == "and" and _is_number(after))
        if unit and not (within_number and goes_on):
            yield unit
            unit = ""
        within_number = _is_number(word) or (within_number and goes_on)
        unit += word
    yield unit


def _is_number(word: str) -> bool:
    return all(map(is_number_word, word.strip(_MARKS).lower().split("-")))
