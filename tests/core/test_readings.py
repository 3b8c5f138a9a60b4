"""Readings of single characters: those of pypinyin, without its weight."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pypinyin

from assistant.readings import initial_and_final, syllable


def test_every_character_is_read_as_pypinyin_reads_it() -> None:
    codes = json.loads((Path(pypinyin.__file__).parent / "pinyin_dict.json").read_text(encoding="utf-8"))
    characters = [chr(int(code)) for code in codes]
    assert len(characters) > 40_000
    style, strict = pypinyin.Style, False
    for name, read in (
        ("syllable", lambda c: pypinyin.lazy_pinyin(c)[0]),
        ("initial", lambda c: pypinyin.lazy_pinyin(c, style=style.INITIALS, strict=strict)[0]),
        ("final", lambda c: pypinyin.lazy_pinyin(c, style=style.FINALS, strict=strict)[0]),
    ):
        ours = {
            "syllable": syllable,
            "initial": lambda c: initial_and_final(c)[0],
            "final": lambda c: initial_and_final(c)[1],
        }[name]
        assert [c for c in characters if ours(c) != read(c)] == []


def test_what_is_no_character_stays_as_it_is() -> None:
    assert syllable("a") == "a"
    assert syllable("，") == "，"


def test_understanding_chinese_does_not_load_the_phrases() -> None:
    code = (
        "import sys; from assistant.wake.phrase import PhraseMatcher; "
        "from assistant.dialogue.phonetics import pinyin_key;"
        "assert PhraseMatcher(('你好贾维斯',), 0.7).match('你好家维斯'); assert pinyin_key('几点了');"
        "print('pypinyin' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
