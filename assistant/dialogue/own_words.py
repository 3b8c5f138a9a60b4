"""Whether what was heard over a reply are the assistant's own words, as a recogniser may have heard them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby

from rapidfuzz import fuzz

from assistant.dialogue.normalization import normalize
from assistant.dialogue.numbers import digits_spoken, is_number_word
from assistant.dialogue.phonetics import english_key, pinyin_key
from assistant.han import HAN, WORD, script_language

_ALIKE = 88.0
"""Likeness by sound (0 to 100) from which what was heard counts as a piece of what is being said."""
_MIN_ECHO = {"en": 8, "zh": 4}
"""English letters or Chinese characters; anything shorter is in every sentence."""


def echoes(text: str, spoken: str) -> bool:
    """Whether `text` is a piece of what the assistant itself says, as a recogniser may hear it. With another number it
    is none: fifteen is not fifty, however alike they sound."""
    language = script_language(text)
    key = pinyin_key if language == "zh" else english_key
    heard, said = _words(text, language), _words(spoken, language)
    heard_key, said_keys = " ".join(map(key, heard)), [key(word) for word in said]
    said_key = " ".join(said_keys)
    length = len(HAN.findall("".join(heard))) if language == "zh" else sum(map(len, heard))
    if length < _MIN_ECHO[language] or len(heard_key) > len(said_key) * 1.1:
        return False
    found = fuzz.partial_ratio_alignment(heard_key, said_key, score_cutoff=_ALIKE)
    if found is None:
        return False
    ends = accumulate(len(word_key) + 1 for word_key in said_keys)
    piece = [
        word
        for word, word_key, end in zip(said, said_keys, ends, strict=True)
        if end - 1 - len(word_key) < found.dest_end and end - 1 > found.dest_start
    ]
    return not _differ(_numbers(heard), _numbers(piece))


def ends_with(text: str, spoken: str) -> bool:
    """Whether `text` is how `spoken` ends, as a recogniser may hear it, be it ever so short."""
    language = script_language(text)
    key = pinyin_key if language == "zh" else english_key
    heard, said = _words(text, language), _words(spoken, language)
    heard_key, end_key = (" ".join(map(key, words)) for words in (heard, said[-len(heard) :]))
    return bool(heard_key) and fuzz.ratio(heard_key, end_key) >= _ALIKE


def _words(text: str, language: str) -> list[str]:
    """English words, or Chinese characters and what stands between them; numbers in words, as they are spoken."""
    return WORD.findall(digits_spoken(normalize(text), language).replace("-", " "))


def _numbers(words: Sequence[str]) -> list[str]:
    """The numbers among `words`, each with a space on either side of its words."""
    runs = groupby(("二" if word == "两" else word for word in words), is_number_word)
    return [f" {' '.join(run)} " for is_number, run in runs if is_number]


def _differ(heard: Sequence[str], said: Sequence[str]) -> bool:
    """Whether each has a number that is not in the other. A part of one is no other number: an echo may begin within
    it, and Chinese has characters of the same sound that are none."""
    return any(not any(a in b for b in said) for a in heard) and any(not any(b in a for a in heard) for b in said)
