"""How single Chinese characters are read, without pypinyin's dictionary of phrases.

Importing pypinyin takes 60 MB, nearly all of it for phrases, which only matter to who reads whole sentences aloud. Its
file of characters is enough to tell what sounds alike.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import unicodedata
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

_TONES = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}
"""Macron, acute, caron and grave; a diaeresis is part of the vowel."""
_INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcsyw")
_ENTRY = re.compile(r'"(\d+)":\s*"([^",]*)')
"""A code point, and the first of its readings."""
_NASALS = frozenset({"n", "m", "ng"})


@lru_cache(maxsize=16_384)
def syllable(character: str) -> str:
    """The toneless pinyin of a character as it is mostly read, ü as v: 绿 → "lv". What has none stays as it is."""
    return toneless(reading(character))


def reading(character: str) -> str:
    """The pinyin of a character as it is mostly read, with its tone mark. What has none stays as it is."""
    readings, of_code = _table()
    return readings[of_code[ord(character)]] or character


def toneless(pinyin: str) -> str:
    """A syllable without its tone mark, ü as v: "lǜ" → "lv"."""
    marks = unicodedata.normalize("NFD", pinyin)
    return unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in _TONES)).replace("ü", "v")


def tone(pinyin: str) -> str:
    """The tone of a syllable by its mark: "1" to "4", "5" where it has none."""
    return next((_TONES[mark] for mark in unicodedata.normalize("NFD", pinyin) if mark in _TONES), "5")


def initial_and_final(character: str) -> tuple[str, str]:
    """The two parts of its syllable; the initial may be empty: 中 → ("zh", "ong"), 安 → ("", "an")."""
    whole = syllable(character)
    initial = next((known for known in _INITIALS if whole.startswith(known)), "")
    # A nasal can be a syllable by itself: 嗯 is "n", 哼 may be "hm".
    return ("", whole) if whole in _NASALS else (initial, whole[len(initial) :])


@lru_cache(maxsize=1)
def _table() -> tuple[list[str], npt.NDArray[np.uint16]]:
    """All readings with tone marks, "" first, and for each code point which of them is its most common one. Takes
    0.4 MB; a dictionary of the 42,000 characters, and parsing the file as a whole, took 12."""
    package = importlib.util.find_spec("pypinyin")  # found, not imported
    assert package is not None
    assert package.origin is not None
    text = (Path(package.origin).parent / "pinyin_dict.json").read_text(encoding="utf-8")
    numbers = {"": 0}
    of_code = np.zeros(sys.maxunicode + 1, np.uint16)
    for entry in _ENTRY.finditer(text):
        of_code[int(entry[1])] = numbers.setdefault(entry[2], len(numbers))
    return list(numbers), of_code
