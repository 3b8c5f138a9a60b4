"""Between the detector's class names and the words that people use for them."""

from __future__ import annotations

import re

from assistant.dialogue.numbers import spoken_count
from assistant.vision.coco_names import COCO_NAMES

_ENGLISH_LEAD = re.compile(r"^(?:(?:a|an|the|any|some|my|your|of|many|much|other|there)\s+)+")
_MEASURES = "".join(sorted({names.measure for names in COCO_NAMES.values()} | set("个只条张位名口")))
_CHINESE_LEAD = re.compile(
    rf"^(?:[一二两三四五六七八九十几多少这那哪有些0-9]*[{_MEASURES}])?(?:什么|任何|多少|一些|的)*"
)
_IGNORED = re.compile(r"[\s.,!?;:\"'。，！？；：、“”]+")


def _word_table() -> dict[str, str]:
    """Every word → its class. Names come before synonyms: a class's own name is never another's."""
    words: dict[str, str] = {}
    for label, names in COCO_NAMES.items():
        for word in (label, names.english, names.plural, names.chinese):
            words.setdefault(word.lower(), label)
    for label, names in COCO_NAMES.items():
        for word in names.also:
            words.setdefault(word.lower(), label)
    return words


_WORDS = _word_table()


def label_of(word: str, language: str) -> str | None:
    """The class that a spoken word means ("people", "the sofas", "一只狗"), None for what no class covers."""
    plain = _IGNORED.sub(" ", word.lower()).strip()
    if language == "zh":
        plain = plain.replace(" ", "")
        stripped = _CHINESE_LEAD.sub("", plain)
    else:
        stripped = _ENGLISH_LEAD.sub("", plain)
    # "Hot dog" and 马桶 are found whole, before anything that looks like an article or a measure word goes.
    return _WORDS.get(plain) or _WORDS.get(stripped) or _WORDS.get(stripped.removesuffix("s"))


def name_of(label: str, language: str, count: int) -> str:
    """The bare noun: "dog", "dogs", 狗. A class that is not of COCO is its own name."""
    names = COCO_NAMES.get(label)
    if names is None:
        return label
    if language == "zh":
        return names.chinese
    return names.english if count == 1 else names.plural


def counted(label: str, language: str, count: int) -> str:
    """Number and noun: "two dogs", 两只狗, with the measure word that Chinese needs between them."""
    number = spoken_count(count, language)
    noun = name_of(label, language, count)
    if language != "zh":
        return f"{number} {noun}"
    measure = COCO_NAMES[label].measure if label in COCO_NAMES else "个"
    return f"{number}{measure}{noun}"
