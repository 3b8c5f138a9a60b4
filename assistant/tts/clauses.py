"""A sentence in pieces, so that the first is heard while the next is made."""

from __future__ import annotations

import re

_CLAUSE_END = re.compile(r"(?<=[，、；：。！？])|(?<=[,;:.!?])(?=\s)")


def pieces(sentence: str, first: int, longest: int) -> list[str]:
    """A sentence cut at clause marks: a short piece first, of at least `first` characters, so that it is heard soon,
    each next one at least twice as long, so that it is ready before the last has been played and the melody breaks
    rarely. What has no mark for `longest` characters is cut there; a piece has less than twice as many."""
    found: list[str] = []
    current = ""
    wanted = first
    for clause in _CLAUSE_END.split(sentence.strip()):
        for start in range(0, len(clause), longest):
            current += clause[start : start + longest]
            if spoken_length(current) >= wanted:
                found.append(current)
                wanted = min(2 * spoken_length(current), longest)
                current = ""
    if found and spoken_length(current) < first:
        found[-1] += current
    elif current:
        found.append(current)
    return found


def spoken_length(text: str) -> int:
    """Letters, digits and Chinese characters of a text."""
    return sum(character.isalnum() for character in text)
