"""Which script a text is written in."""

from __future__ import annotations

import re

HAN = re.compile(r"[一-鿿㐀-䶿]")
"""One Chinese character."""


def contains_han(text: str) -> bool:
    """Whether any character is a Chinese one."""
    return HAN.search(text) is not None


def script_language(text: str) -> str:
    """ "zh" for text with Chinese characters, else "en": a recogniser's language tag is wrong more often."""
    return "zh" if contains_han(text) else "en"
