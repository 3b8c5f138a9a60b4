"""Chinese to phonemes. The expected strings are the output of misaki 0.9.4's legacy front end."""

from __future__ import annotations

import pytest

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
