"""What was said over a reply: listening noises and the reply's own echo are no reason to stop talking."""

from __future__ import annotations

import re
import unicodedata

from rapidfuzz import fuzz

from assistant.dialogue.normalization import normalize
from assistant.dialogue.phonetics import english_key, pinyin_key
from assistant.han import HAN, contains_han

_ENGLISH_HUMS = r"m+|h+m+|m+h+m*|mm+ ?h+m+|u+h+|u+h+ ?h+u+h+|u+m+|e+r+m*|a+h+|a+ha+|o+h+|h+u+h+|e+h+"
_ENGLISH = (
    rf"{_ENGLISH_HUMS}|ye+a+h?|ye+s|ye+p|yu+p|ok|okay|right|sure|i see|got it|wow|really|cool|nice|great|good|fine|"
    r"true|exactly|alright|all right"
)
_CHINESE_HUMS = r"[嗯恩唔哦噢喔啊呃额哈嘿哼诶欸哎唉呵哇嗬]"
_CHINESE = (
    rf"{_CHINESE_HUMS}|对呀?|是[的啊呀吗]?|好[的吧呀啊]?|行|没错|这样(?:啊|子)?|原来如此|真的[吗啊]?|明白|知道|了解"
)
_MAX_WORDS, _MAX_CHARACTERS = 4, 8
"""Longer than this nobody only nods."""
_LAUGH_OR_COUGH = re.compile(r"[(\[（【*♪][^)\]）】*♪]*[)\]）】*♪]?")
"""How recognisers write what is no word: "(coughs)", "[music]", 【笑】."""

_ALIKE = 88.0
"""Likeness by sound (0 to 100) from which what was heard counts as a piece of what is being said."""
_MIN_ECHO = {"en": 8, "zh": 4}
"""English letters or Chinese characters; anything shorter is in every sentence."""


def is_backchannel(text: str) -> bool:
    """Whether someone who says `text` is only listening: "mhm", "okay", 嗯, 对对对, a cough, nothing at all."""
    return _only(_ENGLISH, _CHINESE, text)


def is_hum(text: str) -> bool:
    """Whether `text` holds no word: "mhm", 嗯, a cough, nothing at all."""
    return _only(_ENGLISH_HUMS, _CHINESE_HUMS, text)


def echoes(text: str, spoken: str) -> bool:
    """Whether `text` is a piece of what the assistant itself says, as a recogniser may hear it."""
    heard, said = normalize(text), normalize(spoken)
    language = "zh" if contains_han(heard) else "en"
    length = len(HAN.findall(heard)) if language == "zh" else len(heard.replace(" ", ""))
    key = pinyin_key if language == "zh" else english_key
    heard_key, said_key = key(heard), key(said)
    if length < _MIN_ECHO[language] or len(heard_key) > len(said_key) * 1.1:
        return False
    return fuzz.partial_ratio(heard_key, said_key, score_cutoff=_ALIKE) > 0.0


def _only(english: str, chinese: str, text: str) -> bool:
    """Whether `text` is nothing but a few repetitions of the pattern of its language; an empty one is."""
    plain = normalize(_LAUGH_OR_COUGH.sub(" ", unicodedata.normalize("NFKC", text)))
    if contains_han(plain):
        pattern, plain = f"(?:{chinese})", plain.replace(" ", "")
        short = len(plain) <= _MAX_CHARACTERS
    else:
        pattern, plain = rf"(?:{english})(?:\s+|$)", plain.replace("-", " ")
        short = len(plain.split()) <= _MAX_WORDS
    return short and re.fullmatch(f"(?:{pattern})*", plain) is not None
