"""Chinese text to the phones of the CSMSC corpus, which FastSpeech 2 was trained with.

A syllable is an initial ("^" where it has none) and a final with its tone, as it is said in its context (你好 is "ni2
hao3"). Source of the symbols: TensorFlowTTS, processor/baker.py (Apache-2.0).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence

from assistant.han import HAN_RANGE, contains_han
from assistant.readings import tone, toneless
from assistant.tts.sentence_readings import readings

_LOG = logging.getLogger(__name__)
_EDGE, _SYLLABLE, _PAUSE, _END = "sil", "#0", "#3", "eos"
_DIGITS = "零一二三四五六七八九十"
_LATIN = "A-Za-zÀ-ÖØ-öø-ɏ"
_RUN = re.compile(f"[{HAN_RANGE}]+|[{_LATIN}][{_LATIN}'’ -]*|[^{HAN_RANGE}{_LATIN}]+")
_IS_LATIN = re.compile(f"[{_LATIN}]")
_ORDINAL = frozenset(f"{_DIGITS}第初统万唯之")
"""What stands before a 一 that keeps its tone: 第一, 统一, 万一, 唯一, 之一."""
_OF_A_WEEK, _OF_A_DAY = frozenset("期周"), frozenset("午晨")
"""Before one that may: 星期一早上, but 每周一次; 下午一点, but 下午一起."""
_TIMES = frozenset("次个直起")
_NUMBERED = frozenset(f"{_DIGITS}月号日楼")
"""What stands after one."""
_AFTER_THE_HOUR = frozenset(f"{_DIGITS}半整钟")
_PAUSES = frozenset("、，；：。！？,;:.!?…—")
_UNPRONOUNCED = str.maketrans({"嗯": "恩", "诶": "欸"})
"""Interjections whose pinyin the voice does not know."""


def runs(text: str) -> Iterator[tuple[str, str]]:
    """A text whose numbers are spelled out as ("en", words in Latin letters) and ("zh", all else), in its order."""
    chinese = ""
    for run in _RUN.findall(text.translate(_UNPRONOUNCED)):
        if _IS_LATIN.match(run):
            if chinese:
                yield "zh", chinese
            chinese = ""
            yield "en", run.strip().replace("’", "'")
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


def in_parts(phones: Sequence[str], most: int) -> Iterator[list[str]]:
    """What `phones` gave, in parts of so many phones at most, cut at the last pause before, or else between syllables;
    nothing of nothing."""
    body = list(phones[1:-2])
    while body:
        end = len(body)
        if end > most:
            boundaries = [index for index, phone in enumerate(body[:most]) if phone in (_PAUSE, _SYLLABLE)]
            end = max((index for index in boundaries if body[index] == _PAUSE), default=boundaries[-1])
        yield [_EDGE, *body[:end], _EDGE, _END]
        body = body[end + 1 :]


def _of_characters(characters: str, syllables: Mapping[str, Sequence[str]]) -> list[str]:
    """Each syllable with a boundary after it."""
    pinyin = readings(characters)
    found: list[str] = []
    for syllable, spoken in zip(pinyin, tones_in_context(characters, [tone(one) for one in pinyin]), strict=True):
        parts = syllables.get(toneless(syllable))
        if parts is None:
            _LOG.debug("The Chinese voice does not know the syllable '%s'.", syllable)
            continue
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
    before, after = characters[max(0, index - 2) : index], characters[index + 1 : index + 3]
    if before[-1:] in _OF_A_WEEK:
        return after[0] not in _TIMES
    if before[-1:] in _OF_A_DAY:
        return after[0] == "点"
    if before[-1:] == "点" and before[0] in _DIGITS:  # a decimal, if it is no quarter of an hour
        return after[0] != "刻"
    return before[-1:] in _ORDINAL or after[0] in _NUMBERED or (after[0] == "点" and after[1:] in _AFTER_THE_HOUR)
