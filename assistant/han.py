"""What a Chinese character is, for everyone who tells Chinese from other text."""

from __future__ import annotations

import re

HAN_RANGE = r"\u3400-\u4dbf\u4e00-\u9fff"
"""The characters in use, for a character class of a regular expression: the Unicode blocks CJK Unified Ideographs and
its Extension A (https://www.unicode.org/charts/)."""

HAN = re.compile(f"[{HAN_RANGE}]")
"""One Chinese character."""


def contains_han(text: str) -> bool:
    """Whether any character is a Chinese one."""
    return HAN.search(text) is not None


def script_language(text: str) -> str:
    """ "zh" for text with Chinese characters, else "en": a recogniser's language tag is wrong more often."""
    return "zh" if contains_han(text) else "en"
