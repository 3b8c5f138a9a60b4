"""How alike two words sound: English by spelling and Metaphone, Chinese by toneless pinyin.

A recogniser writes a name that it does not know as words that it knows, which sound like it: 贾维斯 becomes 加维斯,
Jarvis becomes Charvis.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import jellyfish
from rapidfuzz.fuzz import ratio

from assistant.han import HAN_RANGE, contains_han
from assistant.readings import initial_and_final

_UNIT = re.compile(rf"[{HAN_RANGE}]|[^\W_{HAN_RANGE}]+(?:['’][^\W_]+)*")
_SAME_INITIAL = {"zh": "z", "ch": "c", "sh": "s", "n": "l", "h": "f", "r": "l"}
"""What speakers and recognisers of Mandarin confuse: retroflex and dental, n and l, h and f, r and l."""
_NEAR_INITIALS = tuple(frozenset(group) for group in ("jqx", "zcs", "bp", "dt", "gk"))
"""Sounds of one place of articulation."""
_NEAR = 0.6
_FINAL_ALONE = 0.3
"""What the same final behind quite another initial is worth."""
_SAME_FINAL = re.compile(r"(?<=[aei])ng$")
"""Front and back nasals: in and ing, en and eng, an and ang."""
_METAPHONE_MERGED = str.maketrans("BPLX", "FFRJ")
"""Lips with lips, liquids with liquids, affricates with affricates: Jalvis, Jarbis, Charvis. Metaphone itself merges
voiced and voiceless sounds."""
SPLIT_PENALTY = 0.05
"""For a name heard as more words than it has."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A Latin word or one Han character, and where it stands in the text."""

    text: str
    """In lower case."""
    start: int
    end: int

    @property
    def is_han(self) -> bool:
        return contains_han(self.text)


def units(text: str) -> list[Unit]:
    """The words and Han characters of `text`, in order; spaces and punctuation are left out."""
    return [Unit(match[0].lower(), match.start(), match.end()) for match in _UNIT.finditer(text)]


def similarity(wanted: Sequence[Unit], heard: Sequence[Unit]) -> float:
    """How alike two runs of units sound, 0 to 1. Between Latin and Han it is 0."""
    if not wanted or not heard:
        return 0.0
    if all(unit.is_han for unit in (*wanted, *heard)):
        return _mandarin(tuple(unit.text for unit in wanted), tuple(unit.text for unit in heard))
    if any(unit.is_han for unit in heard) != any(unit.is_han for unit in wanted):
        return 0.0
    penalty = SPLIT_PENALTY if len(heard) > len(wanted) else 0.0
    return max(0.0, _english(_joined(wanted), _joined(heard)) - penalty)


def _joined(run: Sequence[Unit]) -> str:
    # Joined, because a recogniser splits a name as it likes: "jar vis".
    return "".join("".join(_syllable(unit.text)) if unit.is_han else unit.text for unit in run)


@lru_cache(maxsize=4096)
def _english(wanted: str, heard: str) -> float:
    spelling = ratio(wanted, heard)
    sound = ratio(_metaphone(wanted), _metaphone(heard))
    return (spelling + sound) / 200.0


def _metaphone(word: str) -> str:
    return jellyfish.metaphone(word).translate(_METAPHONE_MERGED)


def _mandarin(wanted: tuple[str, ...], heard: tuple[str, ...]) -> float:
    """The best alignment's mean over syllables, gaps counting nothing (Needleman-Wunsch)."""
    best = [0.0] * (len(heard) + 1)
    for character in wanted:
        previous, best = best, [0.0]
        for column, other in enumerate(heard):
            aligned = previous[column] + _alike(_syllable(character), _syllable(other))
            best.append(max(aligned, previous[column + 1], best[column]))
    return best[-1] / max(len(wanted), len(heard))


def _alike(first: tuple[str, str], second: tuple[str, str]) -> float:
    """How alike two syllables (initial, final) sound, 0 to 1."""
    (initial, final), (other_initial, other_final) = first, second
    if initial == other_initial:
        share = 1.0
    elif any(initial in group and other_initial in group for group in _NEAR_INITIALS):
        share = _NEAR
    else:
        return _FINAL_ALONE if final == other_final else 0.0
    return share * (0.5 + ratio(final, other_final) / 200.0)


@lru_cache(maxsize=8192)
def _syllable(character: str) -> tuple[str, str]:
    """Initial and final of a Han character, confusable sounds made one."""
    initial, final = initial_and_final(character)
    return _SAME_INITIAL.get(initial, initial), _SAME_FINAL.sub("n", final)
