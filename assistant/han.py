"""What tells Chinese from other languages."""

from __future__ import annotations

import re

HAN_RANGE = r"\u3400-\u4dbf\u4e00-\u9fff"
"""The characters in use, for a character class of a regular expression: the Unicode blocks CJK Unified Ideographs and
its Extension A (https://www.unicode.org/charts/)."""

HAN = re.compile(f"[{HAN_RANGE}]")
"""One Chinese character."""
WORD = re.compile(rf"[{HAN_RANGE}]|[^\s{HAN_RANGE}]+")
"""One Chinese character, or what stands between such and space: an English word with its punctuation."""


def contains_han(text: str) -> bool:
    """Whether any character is a Chinese one."""
    return HAN.search(text) is not None


def spoken_language(language: str) -> str:
    """The language of a reply to whoever speaks `language`, a BCP 47 primary tag: "zh" or "en"."""
    return "zh" if language == "zh" else "en"


def script_language(text: str) -> str:
    """ "zh" for text with Chinese characters, else "en": a recogniser's language tag is wrong more often."""
    return "zh" if contains_han(text) else "en"
