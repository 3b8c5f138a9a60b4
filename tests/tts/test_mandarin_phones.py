"""Chinese to the phones of a corpus. The expected ones are those that TensorFlowTTS's processor gives, but for tones
that change in their context."""

from __future__ import annotations

import pytest

from assistant.tts.mandarin_phones import phones, runs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好。", "sil n i2 #0 h ao3 sil eos"),
        ("知", "sil zh iii1 sil eos"),
        ("四", "sil s ii4 sil eos"),
        ("女", "sil n v3 sil eos"),
        ("月", "sil ^ ve4 sil eos"),
        ("元", "sil ^ van2 sil eos"),
        ("军", "sil j vn1 sil eos"),
        ("翁", "sil ^ ueng1 sil eos"),
        ("二", "sil ^ er4 sil eos"),
        ("穷", "sil q iong2 sil eos"),
        ("吗", "sil m a5 sil eos"),
        ("诶", "sil ^ ei2 sil eos"),
    ],
)
def test_a_syllable_is_an_initial_and_a_final(text: str, expected: str) -> None:
    assert phones(text) == expected.split()


def tones(text: str) -> str:
    return "".join(phone[-1] for phone in phones(text) if phone[-1].isdigit() and phone[0] != "#")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("不认识", "242"),  # bú rènshi, as it is written in a dictionary but for the neutral tone
        ("我不来", "342"),
        ("一个人", "242"),
        ("一本书", "431"),
        ("十一点", "213"),
        ("第一个", "414"),
        ("一月一号", "1414"),
        ("星期一", "111"),
        ("我也很好", "2223"),
        ("你好，我是", "2334"),
    ],
)
def test_tones_change_as_they_are_said(text: str, expected: str) -> None:
    assert tones(text) == expected


def test_context_decides_between_readings() -> None:
    assert phones("银行")[5] == "ang2" and phones("行人")[2] == "ing2"


def test_marks_are_pauses_and_quotes_are_not() -> None:
    assert phones("好，“再见”！") == ["sil", "h", "ao3", "#3", "z", "ai4", "#0", "j", "ian4", "sil", "eos"]


@pytest.mark.parametrize("text", ["", "，", "  ", "“”"])
def test_without_a_character_there_is_nothing_to_say(text: str) -> None:
    assert phones(text) == []


def test_latin_words_are_told_apart_and_numbers_belong_to_the_rest() -> None:
    assert list(runs("嗯，我是Jarvis，2个 USB-C 口。")) == [
        ("zh", "恩，我是"),
        ("en", "Jarvis"),
        ("zh", "，二个 "),
        ("en", "USB-C"),
        ("zh", "口。"),
    ]
