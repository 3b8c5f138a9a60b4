"""Chinese to phonemes. The expected strings are the output of misaki 0.9.4's legacy front end."""

from __future__ import annotations

import pytest

from assistant.tts.chinese_numbers import spelled_out
from assistant.tts.mandarin import phonemes_from_chinese


@pytest.mark.parametrize(
    ("syllables", "phonemes"),
    [
        ("你好。", "ni↓xau↓."),
        ("知", "ꭧɨ→"),
        ("四", "sɨ↘"),
        ("女", "ny↓"),
        ("月", "ɥe↘"),
        ("元", "ɥɛ↗n"),
        ("军", "ʨy→n"),
        ("翁", "wə→ŋ"),
        ("二", "ɚ↘"),
        ("穷", "ʨʰjʊ↗ŋ"),
        ("吗", "ma"),
    ],
)
def test_phonemes_equal_those_that_the_voice_was_trained_on(syllables: str, phonemes: str) -> None:
    assert phonemes_from_chinese(syllables, str) == phonemes


def test_context_decides_between_readings() -> None:
    assert "xa↗ŋ" in phonemes_from_chinese("银行", str)
    assert "ɕi↗ŋ" in phonemes_from_chinese("行人", str)


def test_foreign_words_are_spoken_in_english() -> None:
    assert phonemes_from_chinese("我是Jarvis。", lambda word: f"<{word}>") == "wo↓ ʂɨ↘ <Jarvis> ."


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("没有数字", "没有数字"),
        ("现在是15:05", "现在是十五点零五分"),
        ("9:00", "九点整"),
        ("气温-3.5度", "气温负三点五度"),
        ("50%", "百分之五十"),
        ("2026年11月22日", "二零二六年十一月二十二日"),
        ("1998-05-01", "一九九八年五月一日"),
        ("10:30-11:45", "十点三十分到十一点四十五分"),
        ("102:98", "一百零二:九十八"),
        ("1,234,567元", "一百二十三万四千五百六十七元"),
        ("2个人，12个，第2个", "两个人，十二个，第二个"),
        ("13812345678", "一三八一二三四五六七八"),
        ("400-800-1234", "四零零八零零一二三四"),
        ("COVID-19和A4", "COVID一九和A四"),
        ("25°C", "二十五摄氏度"),
        ("ＵＳＢ３口", "USB三口"),
        ("12345678901234567890", "一二三四五六七八九零一二三四五六七八九零"),
    ],
)
def test_numbers_are_spelled_out(text: str, spelled: str) -> None:
    assert spelled_out(text) == spelled
