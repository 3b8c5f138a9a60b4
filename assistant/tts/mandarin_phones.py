"""Chinese text to the phones of the CSMSC corpus, which FastSpeech 2 was trained with.

A syllable is an initial ("^" where it has none) and a final with its tone, as it is said in its context (你好 is "ni2
hao3"). Source of the symbols: TensorFlowTTS, processor/baker.py (Apache-2.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from assistant.han import HAN_RANGE, contains_han
from assistant.readings import tone, toneless
from assistant.tts.chinese_numbers import spelled_out
from assistant.tts.sentence_readings import readings

_EDGE, _SYLLABLE, _PAUSE, _END = "sil", "#0", "#3", "eos"
_DIGITS = "零〇一二三四五六七八九十"
_RUN = re.compile(f"[{HAN_RANGE}]+|[A-Za-z][A-Za-z' -]*|[^{HAN_RANGE}A-Za-z]+")
_PAUSES = frozenset("、，；：。！？,;:.!?…—")
_UNPRONOUNCED = str.maketrans({"嗯": "恩", "诶": "欸"})
"""Interjections whose pinyin the voice does not know."""


def runs(text: str) -> Iterator[tuple[str, str]]:
    """A text, its numbers spelled out, as ("en", words in Latin letters) and ("zh", all else), in its order."""
    chinese = ""
    for run in _RUN.findall(spelled_out(text).translate(_UNPRONOUNCED)):
        if run[0].isascii() and run[0].isalpha():
            if chinese:
                yield "zh", chinese
            chinese = ""
            yield "en", run.strip()
        else:
            chinese += run
    if chinese:
        yield "zh", chinese


def phones(text: str, syllables: Mapping[str, Sequence[str]]) -> list[str]:
    """The phones of a text without Latin letters; empty if it has no Chinese character. `syllables` are those that the
    voice knows, toneless, with initial and final: {"hao": ["h", "ao"], "yi": ["^", "i"]}."""
    found: list[str] = []
    for run in _RUN.findall(text):
        if contains_han(run):
            found += _of_characters(run, syllables)
        elif found and not _PAUSES.isdisjoint(run):
            found[-1] = _PAUSE
    return [_EDGE, *found[:-1], _EDGE, _END] if found else []


def _of_characters(characters: str, syllables: Mapping[str, Sequence[str]]) -> list[str]:
    """Each syllable with a boundary after it."""
    pinyin = readings(characters)
    found: list[str] = []
    for syllable, spoken in zip(pinyin, tones_in_context(characters, [tone(one) for one in pinyin]), strict=True):
        if parts := syllables.get(toneless(syllable)):
            initial, final = parts
            found += [initial, final + spoken, _SYLLABLE]
    return found


def tones_in_context(characters: str, tones: Sequence[str]) -> list[str]:
    """Tones, "1" to "5" a character, as they change beside others: 不 and 一 by what follows, a third tone before
    another one. A 一 that counts or numbers (十一点, 第一, 一月) keeps its own."""
    changed = list(tones)
    for index, (character, own, following) in enumerate(zip(characters, tones, [*tones[1:], ""], strict=True)):
        if character == "一" and (not following or _is_number(characters, index)):
            changed[index] = "1"
        elif character in "一不" and following:
            changed[index] = "2" if following == "4" else "4"
        elif own == following == "3":
            changed[index] = "2"
    return changed


def _is_number(characters: str, index: int) -> bool:
    before, after = characters[:index][-1:], characters[index + 1]
    return (before != "" and before in f"{_DIGITS}第") or after in f"{_DIGITS}月号日"
