"""Chinese text to the phones of the CSMSC corpus, which FastSpeech 2 was trained with.

A syllable is an initial ("^" where it has none) and a final with its tone, as it is said in its context (你好 is "ni2
hao3"). Source of the symbols: TensorFlowTTS, processor/baker.py (Apache-2.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pypinyin
from pypinyin.seg import mmseg

from assistant.han import HAN_RANGE
from assistant.tts.mandarin import spelled_out

_EDGE, _SYLLABLE, _PAUSE, _END = "sil", "#0", "#3", "eos"
_NO_INITIAL = "^"
_FINALS = {"ê": "ei"}
"""An interjection's (诶), which the corpus has not, by what is nearest."""
_DIGITS = "零〇一二三四五六七八九十"
_BUZZING = {**dict.fromkeys(("z", "c", "s"), "ii"), **dict.fromkeys(("zh", "ch", "sh", "r"), "iii")}
"""What is written i after these is another vowel."""
_RUN = re.compile(f"[{HAN_RANGE}]+|[A-Za-z][A-Za-z' -]*|[^{HAN_RANGE}A-Za-z]+")
_PAUSES = frozenset("、，；：。！？,;:.!?…—")
_UNPRONOUNCED = str.maketrans({"嗯": "恩"})
"""pypinyin has no vowel for it."""


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


def phones(text: str) -> list[str]:
    """The phones of a text without Latin letters; empty if it has no Chinese character."""
    found: list[str] = []
    for run in _RUN.findall(text):
        if re.match(f"[{HAN_RANGE}]", run):
            found += _syllables(run)
        elif found and not _PAUSES.isdisjoint(run):
            found[-1] = _PAUSE
    return [_EDGE, *found[:-1], _EDGE, _END] if found else []


def _syllables(characters: str) -> list[str]:
    """Each with a boundary after it."""
    words = list(mmseg.seg.cut(characters))  # readings depend on words
    initials = pypinyin.lazy_pinyin(words, style=pypinyin.Style.INITIALS, strict=True)
    finals = pypinyin.lazy_pinyin(words, style=pypinyin.Style.FINALS_TONE3, strict=True, neutral_tone_with_five=True)
    tones = tones_in_context(characters, [final[-1:] for final in finals])
    return [
        phone
        for initial, final, tone in zip(initials, finals, tones, strict=True)
        for phone in (initial or _NO_INITIAL, _vowel(initial, final[:-1]) + tone, _SYLLABLE)
    ]


def _vowel(initial: str, final: str) -> str:
    return _BUZZING.get(initial, final) if final == "i" else _FINALS.get(final, final)


def tones_in_context(characters: str, tones: Sequence[str]) -> list[str]:
    """Tones, "1" to "5" a character, as they change beside others: 不 and 一 by what follows, a third tone before
    another one. A 一 that counts or numbers (十一点, 第一, 一月) keeps its own."""
    changed = list(tones)
    for index, (character, tone, following) in enumerate(zip(characters, tones, [*tones[1:], ""], strict=True)):
        if character == "一" and (not following or _is_number(characters, index)):
            changed[index] = "1"
        elif character in "一不" and following:
            changed[index] = "2" if following == "4" else "4"
        elif tone == following == "3":
            changed[index] = "2"
    return changed


def _is_number(characters: str, index: int) -> bool:
    before, after = characters[:index][-1:], characters[index + 1]
    return (before != "" and before in f"{_DIGITS}第") or after in f"{_DIGITS}月号日"
