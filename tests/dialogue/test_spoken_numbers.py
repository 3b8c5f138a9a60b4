"""Numbers, years and durations as they are said."""

from __future__ import annotations

import pytest

from assistant.dialogue.durations import seconds_from_slots, spoken_duration, spoken_remaining
from assistant.dialogue.numbers import english_ordinal, spoken_count, spoken_number, spoken_year


@pytest.mark.parametrize(
    ("number", "english", "chinese"),
    [
        (0, "zero", "零"),
        (2, "two", "二"),
        (10, "ten", "十"),
        (14, "fourteen", "十四"),
        (42, "forty-two", "四十二"),
        (100, "one hundred", "一百"),
        (105, "one hundred five", "一百零五"),
        (115, "one hundred fifteen", "一百一十五"),
        (250, "two hundred fifty", "二百五十"),
        (2026, "two thousand twenty-six", "二千零二十六"),
    ],
)
def test_numbers_are_said_in_words(number: int, english: str, chinese: str) -> None:
    assert (spoken_number(number, "en"), spoken_number(number, "zh")) == (english, chinese)


def test_two_things_are_liang_in_chinese() -> None:
    assert (spoken_count(2, "zh"), spoken_count(12, "zh"), spoken_count(2, "en")) == ("两", "十二", "two")


@pytest.mark.parametrize(
    ("number", "ordinal"),
    [
        *[(1, "first"), (2, "second"), (3, "third"), (5, "fifth"), (8, "eighth"), (9, "ninth"), (12, "twelfth")],
        *[(13, "thirteenth"), (20, "twentieth"), (21, "twenty-first"), (30, "thirtieth"), (31, "thirty-first")],
    ],
)
def test_ordinals(number: int, ordinal: str) -> None:
    assert english_ordinal(number) == ordinal


@pytest.mark.parametrize(
    ("year", "english"),
    [(1900, "nineteen hundred"), (1905, "nineteen oh five"), (2000, "two thousand"), (2026, "twenty twenty-six")],
)
def test_years(year: int, english: str) -> None:
    assert spoken_year(year, "en") == english
    assert len(spoken_year(year, "zh")) == 4


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (1, "one second", "一秒"),
        (120, "two minutes", "两分钟"),
        (5400, "one hour and thirty minutes", "一小时三十分钟"),
        (3661, "one hour, one minute and one second", "一小时一分钟一秒"),
    ],
)
def test_durations(seconds: int, english: str, chinese: str) -> None:
    assert (spoken_duration(seconds, "en"), spoken_duration(seconds, "zh")) == (english, chinese)


def test_a_long_remaining_time_is_rounded_to_minutes() -> None:
    assert spoken_remaining(754.4, "en") == "thirteen minutes"
    assert spoken_remaining(59.6, "en") == "one minute"
    assert spoken_remaining(0.2, "en") == "one second"


def test_slots_add_up() -> None:
    assert seconds_from_slots({"hours": "1", "half_hours": "1"}) == 5400
    assert seconds_from_slots({"minutes": "2", "half_minutes": "1", "seconds": "5"}) == 155
    assert seconds_from_slots({}) == 0
