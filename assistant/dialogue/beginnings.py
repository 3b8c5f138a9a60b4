"""What replies begin with, whatever is filled into them: a voice that takes its time can have that ready."""

from __future__ import annotations

import re

from assistant.dialogue.phrases import PHRASES

_UNASKED = ("cannot_", "can_", "could_not_", "timer_rings")
"""What the names of replies begin with that nobody waits for."""
_CLAUSE = re.compile(r"(?:\W*\w){3}.*?[，。：！？]")
"""As much of a reply that is always the same as a voice says in one go, see `assistant.tts.clauses.pieces`."""
_PART = 3
"""Fewest characters of a part of a clause: a shorter one would be over before the rest is ready."""
_OF_NUMBERS = "百分之"
"""What belongs to the number after it."""


def beginnings() -> list[str]:
    """Of the Chinese replies."""
    told = [text for key, phrases in PHRASES.items() if not key.startswith(_UNASKED) for text in phrases["zh"]]
    before_fields = [text.partition("{")[0] for text in told if "{" in text]
    clauses = [found[0] if (found := _CLAUSE.match(text)) else text for text in told if "{" not in text]
    return list(dict.fromkeys([*filter(_is_worth_it, before_fields), *clauses]))


def _is_worth_it(text: str) -> bool:
    if not text or text.endswith(_OF_NUMBERS):
        return False
    return len(text) >= _PART or not text[-1].isalnum()
