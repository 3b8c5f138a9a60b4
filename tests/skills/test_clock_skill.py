"""Time and date, as people say them."""

from __future__ import annotations

from datetime import datetime, timezone

import anyio
import pytest

from assistant.ports import Intent
from assistant.skills.clock import ClockSkill
from tests.doubles.clock import ManualClock
from tests.doubles.context import skill_context


def _answer(intent: str, language: str, wall: datetime, **slots: str) -> str:
    context = skill_context(clock=ManualClock(wall))
    return anyio.run(ClockSkill().handle, Intent(intent, slots, language, ""), context).text


def _at(hour: int, minute: int) -> datetime:
    return datetime(2026, 3, 3, hour, minute, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("hour", "minute", "english", "chinese"),
    [
        (17, 10, "It's ten past five.", "现在的时间是下午五点十分。"),
        (0, 0, "It's midnight.", "现在的时间是凌晨零点整。"),
        (12, 0, "It's noon.", "现在的时间是中午十二点整。"),
        (14, 0, "It's two o'clock.", "现在的时间是下午两点整。"),
        (8, 15, "It's a quarter past eight.", "现在的时间是早上八点十五分。"),
        (11, 45, "It's a quarter to twelve.", "现在的时间是上午十一点四十五分。"),
        (12, 55, "It's five to one.", "现在的时间是中午十二点五十五分。"),
        (22, 30, "It's half past ten.", "现在的时间是晚上十点半。"),
        (21, 5, "It's five past nine.", "现在的时间是晚上九点零五分。"),
        (6, 7, "It's six oh seven.", "现在的时间是早上六点零七分。"),
        (23, 59, "It's eleven fifty-nine.", "现在的时间是晚上十一点五十九分。"),
    ],
)
def test_the_time_is_told_on_a_twelve_hour_clock(hour: int, minute: int, english: str, chinese: str) -> None:
    assert _answer("time_ask", "en", _at(hour, minute)) == english
    assert _answer("time_ask", "zh", _at(hour, minute)) == chinese


def test_the_date_is_told_with_its_weekday() -> None:
    assert _answer("date_ask", "en", _at(9, 0)) == "It's Tuesday, the third of March."
    assert _answer("date_ask", "zh", _at(9, 0)) == "今天的日期是三月三号，星期二。"


def test_other_days_and_the_year() -> None:
    new_years_eve = datetime(2026, 12, 31, 12, tzinfo=timezone.utc)
    assert _answer("date_ask", "en", new_years_eve, day="tomorrow") == "Tomorrow is Friday, the first of January."
    assert _answer("date_ask", "zh", _at(9, 0), day="yesterday") == "昨天是三月二号，星期一。"
    assert _answer("date_ask", "en", new_years_eve, part="year") == "It's twenty twenty-six."
    assert _answer("date_ask", "zh", new_years_eve, part="year") == "今年是二零二六年。"
