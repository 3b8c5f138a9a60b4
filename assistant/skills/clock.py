"""The time and the date, as people say them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from assistant.dialogue.numbers import english_ordinal, spoken_count, spoken_number, spoken_year
from assistant.dialogue.replies import phrase
from assistant.ports import Intent
from assistant.skills import Reply, SkillContext

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.models.store import ModelStore

_WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh": ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期天"),
}
# fmt: off
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)
# fmt: on
_CHINESE_PARTS_OF_DAY = ((5, "凌晨"), (9, "早上"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
_DAY_OFFSETS = {"today": 0, "tomorrow": 1, "yesterday": -1}


class ClockSkill:
    """Reads the injected clock's wall time aloud."""

    intents = frozenset({"time_ask", "date_ask"})
    answers_ahead = intents

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> ClockSkill:
        """Needs nothing."""
        return cls()

    async def handle(self, intent: Intent, context: SkillContext) -> Reply:
        """Answer with the time, or with a day's date or the year."""
        now, language = context.clock.wall(), intent.language
        if intent.name == "time_ask":
            return Reply(phrase("time", language, time=spoken_time(now, language)))
        if intent.slots.get("part") == "year":
            return Reply(phrase("year", language, year=spoken_year(now.year, language)))
        day = intent.slots.get("day", "today")
        spoken = spoken_date(now.date() + timedelta(days=_DAY_OFFSETS[day]), language)
        return Reply(phrase("date" if day == "today" else f"date_{day}", language, date=spoken))


def spoken_time(now: datetime, language: str) -> str:
    """The time of day on a twelve-hour clock: "ten past five", "下午五点十分"."""
    return _chinese_time(now.hour, now.minute) if language == "zh" else _english_time(now.hour, now.minute)


def spoken_date(day: date, language: str) -> str:
    """Weekday, day and month: "Tuesday, the third of March", "三月三号，星期二"."""
    weekday = _WEEKDAYS[language][day.weekday()]
    if language == "zh":
        return f"{spoken_number(day.month, 'zh')}月{spoken_number(day.day, 'zh')}号，{weekday}"
    return f"{weekday}, the {english_ordinal(day.day)} of {_MONTHS[day.month - 1]}"


def _english_time(hour: int, minute: int) -> str:
    this_hour, next_hour = (spoken_number((h - 1) % 12 + 1, "en") for h in (hour, hour + 1))
    if minute == 0:
        return {0: "midnight", 12: "noon"}.get(hour, f"{this_hour} o'clock")
    if minute == 30:
        return f"half past {this_hour}"
    if minute % 5 == 0 and minute not in (25, 35):
        past = minute < 30
        distance = minute if past else 60 - minute
        spoken = "a quarter" if distance == 15 else spoken_number(distance, "en")
        return f"{spoken} {'past' if past else 'to'} {this_hour if past else next_hour}"
    return f"{this_hour} {'oh ' if minute < 10 else ''}{spoken_number(minute, 'en')}"


def _chinese_time(hour: int, minute: int) -> str:
    part = next(name for until, name in _CHINESE_PARTS_OF_DAY if hour < until)
    shown = spoken_count(hour % 12 or 12, "zh") if hour else "零"
    if minute == 0:
        return f"{part}{shown}点整"
    if minute == 30:
        return f"{part}{shown}点半"
    return f"{part}{shown}点{'零' if minute < 10 else ''}{spoken_number(minute, 'zh')}分"
