"""How the characters of a Chinese sentence are read: in a word as pypinyin's dictionary of phrases has it, else as
mostly. Read without importing pypinyin, which would take 40 MB more."""

from __future__ import annotations

import importlib.util
import re
from functools import lru_cache
from pathlib import Path

from assistant.readings import reading

_ENTRY = re.compile(r'"([^"]+)":\s*\[(.*?\])\s*\]', re.DOTALL)
_FIRST = re.compile(r'\[\s*"([^"]*)"')
_LONGEST_WORD = 10
_COUNTED = frozenset("零一二三四五六七八九十百千万亿多半两几这那每")
"""Before 只 they make it a measure word."""
_OF_SPEECH = {
    "调大": "tiáo dà",
    "调小": "tiáo xiǎo",
    "调高": "tiáo gāo",
    "调低": "tiáo dī",
    "多长": "duō cháng",
    "跟得上": "gēn de shàng",
    "慢慢地": "màn màn de",
    "谢谢": "xiè xie",
    "爸爸": "bà ba",
    "妈妈": "mā ma",
    "朋友": "péng you",
    "东西": "dōng xi",
    "时候": "shí hou",
    "认识": "rèn shi",
    "这儿": "zhè er",
    "那儿": "nà er",
    "哪儿": "nǎ er",
    "一点儿": "yì diǎn er",
    "一会儿": "yí huì er",
    "高兴地": "gāo xìng de",
    "大声地": "dà shēng de",
    "小声地": "xiǎo shēng de",
    "你得": "nǐ děi",
    "我得": "wǒ děi",
    "您得": "nín děi",
    "得到": "dé dào",
    "得出": "dé chū",
    "得分": "dé fēn",
    "得奖": "dé jiǎng",
    "得": "de",
    "长": "cháng",
    "调": "tiáo",
    "教": "jiāo",
    "弹": "tán",
}
"""What the dictionary has not, or has as it is written rather than said; characters as they are mostly read where they
are no part of a word."""


def readings(characters: str) -> list[str]:
    """The pinyin of each of these Chinese characters, with its tone mark: 银行 → ["yín", "háng"]."""
    found: list[str] = []
    while len(found) < len(characters):
        rest = characters[len(found) : len(found) + _LONGEST_WORD]
        word = next((rest[:end] for end in range(len(rest), 1, -1) if rest[:end] in _phrases()), rest[0])
        if word == "只" and found and characters[len(found) - 1] in _COUNTED:
            found.append("zhī")
            continue
        special = _phrases().get(word)
        found += special.split() if special else map(reading, word)
    return found


@lru_cache(maxsize=1)
def _phrases() -> dict[str, str | None]:
    """Word → its readings, if they are others than those of its characters by themselves. Searched through as text:
    parsed as a whole, its forty thousand lists of lists would take the memory that this is to spare."""
    package = importlib.util.find_spec("pypinyin")  # found, not imported
    assert package is not None
    assert package.origin is not None
    text = (Path(package.origin).parent / "phrases_dict.json").read_text(encoding="utf-8")
    phrases: dict[str, str | None] = {}
    for entry in _ENTRY.finditer(text):
        word, read = entry[1], _FIRST.findall(entry[2])
        phrases[word] = None if read == [reading(character) for character in word] else " ".join(read)
    return phrases | _OF_SPEECH
