"""Lengths of time, between a template's slots, seconds and speech."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.dialogue.numbers import spoken_count
from assistant.dialogue.replies import joined

_UNITS = ((3600, "hour", "小时"), (60, "minute", "分钟"), (1, "second", "秒"))


def seconds_from_slots(slots: Mapping[str, str]) -> int:
    """Seconds that the slots of the rule <duration> name: `hours`, `half_hours`, `minutes`, `half_minutes`, `seconds`.

    0 when there are none of them.
    """

    def value(name: str) -> int:
        return int(slots.get(name, 0))

    hours_s = value("hours") * 3600 + value("half_hours") * 1800
    return hours_s + value("minutes") * 60 + value("half_minutes") * 30 + value("seconds")


def spoken_duration(seconds: int, language: str, *, as_adjective: bool = False) -> str:
    """`seconds` (from 1) in words: "one hour and five minutes", "一小时五分钟"; as an adjective "five minute"."""
    parts = []
    for unit_s, english, chinese in _UNITS:
        count, seconds = divmod(seconds, unit_s)
        if not count:
            continue
        if language == "zh":
            parts.append(f"{spoken_count(count, language)}{chinese}")
        else:
            plural = "" if count == 1 or as_adjective else "s"
            parts.append(f"{spoken_count(count, language)} {english}{plural}")
    return "".join(parts) if language == "zh" else joined(parts, language)


def spoken_remaining(seconds: float, language: str) -> str:
    """A remaining time as one would say it: to the second below ten minutes, to the minute below and above that."""
    whole = max(1, round(seconds))
    return spoken_duration(whole if whole < 600 else round(whole / 60) * 60, language)
