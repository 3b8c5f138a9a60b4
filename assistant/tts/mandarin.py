"""Chinese text to Kokoro's phonemes.

Kokoro 1.0 was trained on the output of misaki's legacy Chinese front end; the table here gives the same symbols for
every syllable. It exists because misaki stops at Python 3.12 and its word splitter takes a second and 70 MB to load.

Sources: misaki 0.9.4 `transcription.py` (Apache-2.0), itself after pinyin-to-ipa (MIT); Duanmu, "The Phonology of
Standard Chinese", 2nd ed., 2007.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pypinyin
from pypinyin.seg import mmseg

from assistant.han import HAN_RANGE, contains_han
from assistant.tts.chinese_numbers import spelled_out


def _table(pairs: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in pairs.split())


_INITIALS = {"": ""} | _table(
    "b:p p:pʰ m:m f:f d:t t:tʰ n:n l:l g:k k:kʰ h:x j:ʨ q:ʨʰ x:ɕ zh:ꭧ ch:ꭧʰ sh:ʂ r:ɻ z:ʦ c:ʦʰ s:s"
)
# The tone mark stands where the 0 is.
_FINALS = _table(
    "a:a0 ai:ai0 an:a0n ang:a0ŋ ao:au0 e:ɤ0 ei:ei0 en:ə0n eng:ə0ŋ er:ɚ0 ê:ɛ0 o:wo0 ong:ʊ0ŋ ou:ou0 "
    "i:i0 ia:ja0 ian:jɛ0n iang:ja0ŋ iao:jau0 ie:je0 in:i0n ing:i0ŋ io:jɔ0 iong:jʊ0ŋ iou:jou0 "
    "u:u0 ua:wa0 uai:wai0 uan:wa0n uang:wa0ŋ uei:wei0 uen:wə0n ueng:wə0ŋ uo:wo0 ü:y0 üan:ɥɛ0n üe:ɥe0 ün:y0n"
)
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_SIBILANTS = frozenset({"zh", "ch", "sh", "r", "z", "c", "s"})
_SYMBOLS = str.maketrans(
    {
        **dict.fromkeys("、，", ", "),
        **dict.fromkeys("。．", ". "),
        "！": "! ",
        "？": "? ",
        "：": ": ",
        "；": "; ",
        "（": " (",
        "）": ") ",
        **dict.fromkeys("《「『【«", " “"),
        **dict.fromkeys("》」』】»", "” "),
        "嗯": "恩",  # pypinyin has no vowel for it
    }
)
_RUN = re.compile(f"[{HAN_RANGE}]+|[A-Za-z][A-Za-z' -]*|[^{HAN_RANGE}A-Za-z]+")


def phonemes_from_chinese(text: str, english: Callable[[str], str]) -> str:
    """Phonemes of a Chinese sentence; `english` gives those of the Latin words in it."""
    parts = []
    for run in _RUN.findall(spelled_out(text).translate(_SYMBOLS)):
        if contains_han(run):
            # Word gaps steer the melody. This splitter is made for readings, yet as well understood as jieba's.
            parts.append(" ".join(_word(word) for word in mmseg.seg.cut(run)))
        elif run[0].isascii() and run[0].isalpha():
            parts.append(f" {english(run.strip())} ")
        else:
            parts.append(run)
    return re.sub(r" +", " ", "".join(parts)).strip()


def _word(word: str) -> str:
    initials = pypinyin.lazy_pinyin(word, style=pypinyin.Style.INITIALS, strict=True)
    finals = pypinyin.lazy_pinyin(
        word, style=pypinyin.Style.FINALS_TONE3, strict=True, v_to_u=True, neutral_tone_with_five=True
    )
    return "".join(map(_syllable, initials, finals))


def _syllable(initial: str, final_and_tone: str) -> str:
    final, tone = final_and_tone[:-1], final_and_tone[-1:]
    if final == "i" and initial in _SIBILANTS:
        vowel = "ɨ0"
    elif final == "o" and not initial:
        vowel = "ɔ0"
    else:
        vowel = _FINALS.get(final, "")
    return _INITIALS.get(initial, "") + vowel.replace("0", _TONES.get(tone, ""))
