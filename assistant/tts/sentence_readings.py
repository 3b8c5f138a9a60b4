"""How the characters of a Chinese sentence are read: in a word as pypinyin's dictionary of phrases has it, else as
mostly. Read without importing pypinyin, which would take 40 MB more."""

from __future__ import annotations

import importlib.util
import re
from functools import lru_cache
from pathlib import Path

from assistant.readings import reading

_ENTRY = re.compile(r'"([^"]+)":\s*\[(.*?\])\s*\]', re.DOTALL)
_FIRST = re.compile(r'\[\s*"([^"]*)"')
_LONGEST_WORD = 10


def readings(characters: str) -> list[str]:
    """The pinyin of each of these Chinese characters, with its tone mark: 银行 → ["yín", "háng"]."""
    found: list[str] = []
    while len(found) < len(characters):
        rest = characters[len(found) : len(found) + _LONGEST_WORD]
        word = next((rest[:end] for end in range(len(rest), 1, -1) if rest[:end] in _phrases()), rest[0])
        special = _phrases().get(word)
        found += special.split() if special else map(reading, word)
    return found


@lru_cache(maxsize=1)
def _phrases() -> dict[str, str | None]:
    """Word → its readings, if they are others than those of its characters by themselves. Searched through as text:
    parsed as a whole, its forty thousand lists of lists would take the memory that this is to spare."""
    package = importlib.util.find_spec("pypinyin")  # found, not imported
    assert package is not None
    assert package.origin is not None
    text = (Path(package.origin).parent / "phrases_dict.json").read_text(encoding="utf-8")
    phrases: dict[str, str | None] = {}
    for entry in _ENTRY.finditer(text):
        word, read = entry[1], _FIRST.findall(entry[2])
        phrases[word] = None if read == [reading(character) for character in word] else " ".join(read)
    return phrases
