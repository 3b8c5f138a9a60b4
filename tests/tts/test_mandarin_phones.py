"""Chinese to the phones of a corpus. The expected ones are those that TensorFlowTTS's processor gives, but for tones
that change in their context."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from assistant.models.store import ModelStore
from assistant.readings import reading, tone, toneless
from assistant.tts import mandarin_phones
from assistant.tts.chinese_numbers import spelled_out
from assistant.tts.mandarin_phones import in_parts, runs
from assistant.tts.sentence_readings import readings

pytestmark = pytest.mark.models
Phones = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def phones(model_store: ModelStore) -> Phones:
    """Those of a text, with the syllables of the voice."""
    symbols = json.loads(model_store.file("fastspeech2-zh", "symbols.json").read_text(encoding="utf-8"))
    known = set(symbols["symbol_to_id"])

    def of(text: str) -> list[str]:
        found = mandarin_phones.phones(text, symbols["pinyin_dict"])
        assert known.issuperset(found)
        return found

    return of


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
def test_a_syllable_is_an_initial_and_a_final(phones: Phones, text: str, expected: str) -> None:
    assert phones(text) == expected.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("不认识", "245"),
        ("我不来", "342"),
        ("一个人", "242"),
        ("一本书", "431"),
        ("十一点", "213"),
        ("第一个", "414"),
        ("一月一号", "1414"),
        ("星期一早上", "11134"),
        ("下午一点半", "43134"),
        ("大声一点", "4143"),
        ("一点五", "123"),
        ("两只猫", "311"),
        ("说得少", "153"),
        ("谢谢", "45"),
        ("下午一起吃", "43431"),
        ("每周一次", "3124"),
        ("三十六点一度", "124314"),
        ("两点一刻", "2324"),
        ("这只是", "434"),
        ("这儿很长", "4532"),
        ("你得多喝", "2311"),
        ("调到十", "242"),
        ("我也很好", "2223"),
        ("你好，我是", "2334"),
    ],
)
def test_tones_change_as_they_are_said(phones: Phones, text: str, expected: str) -> None:
    assert "".join(phone[-1] for phone in phones(text) if phone[-1].isdigit() and phone[0] != "#") == expected


def test_context_decides_between_readings(phones: Phones) -> None:
    assert phones("银行")[5] == "ang2" and phones("行人")[2] == "ing2"


def test_readings_are_those_of_pypinyin() -> None:
    import pypinyin
    from pypinyin.seg import mmseg

    text = "重庆银行的行长觉得这首音乐很快乐他还了一本书正在睡觉你好好看着长大的孩子"
    wanted = pypinyin.lazy_pinyin(list(mmseg.seg.cut(text)), style=pypinyin.Style.TONE)
    assert readings(text) == wanted


def test_a_syllable_has_a_tone_and_letters() -> None:
    assert (reading("绿"), toneless("lǜ"), tone("lǜ"), tone("ma")) == ("lǜ", "lv", "4", "5")


def test_every_common_character_is_said(phones: Phones) -> None:
    common = [character for code in range(0xB0A1, 0xD7FA) if (character := _gb2312(code))]
    assert len(common) == 3755
    assert [character for character in common if len(phones(character)) != 5] == []


def _gb2312(code: int) -> str:
    try:
        return code.to_bytes(2, "big").decode("gb2312")
    except UnicodeDecodeError:
        return ""


def test_marks_are_pauses_and_quotes_are_not(phones: Phones) -> None:
    assert phones("好，“再见”！") == ["sil", "h", "ao3", "#3", "z", "ai4", "#0", "j", "ian4", "sil", "eos"]


@pytest.mark.parametrize("text", ["", "，", "  ", "“”"])
def test_without_a_character_there_is_nothing_to_say(phones: Phones, text: str) -> None:
    assert phones(text) == []


def test_latin_words_are_told_apart_and_numbers_belong_to_the_rest() -> None:
    assert list(runs(spelled_out("嗯，我是Jarvis，2个 USB-C 口。"))) == [
        ("zh", "恩，我是"),
        ("en", "Jarvis"),
        ("zh", "，两个 "),
        ("en", "USB-C"),
        ("zh", "口。"),
    ]


def test_accents_and_apostrophes_belong_to_a_word() -> None:
    assert list(runs("café很don’t")) == [("en", "café"), ("zh", "很"), ("en", "don't")]


@pytest.mark.parametrize("text", ["好" * 30, "你好，" * 12, "你好，" * 3 + "好" * 25])
def test_parts_are_short_enough_and_lose_nothing(phones: Phones, text: str) -> None:
    whole = phones(text)
    parts = list(in_parts(whole, 20))
    assert all(part[0] == "sil" and part[-2:] == ["sil", "eos"] and len(part) <= 23 for part in parts)
    said = [phone for part in parts for phone in part[1:-2] if phone[0] != "#"]
    assert said == [phone for phone in whole[1:-2] if phone[0] != "#"]
    assert list(in_parts([], 20)) == []
