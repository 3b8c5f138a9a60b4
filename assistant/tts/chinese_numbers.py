"""Numbers in Chinese text, as they are said."""

from __future__ import annotations

import re


def spelled_out(text: str) -> str:
    """`text` with its numbers, dates and percentages in Chinese characters."""
    if not re.search(r"\d", text):
        return text
    import cn2an  # here, because few sentences need it and it takes 0.2 s

    written: str = cn2an.transform(re.sub(r"(\d{1,2})[:：](\d\d)(?!\d)", _clock_time, text), "an2cn")
    return written


def _clock_time(match: re.Match[str]) -> str:
    """15:05 as it is said; left alone, its colon would be a pause."""
    hour, minute = match[1], int(match[2])
    if minute == 0:
        return f"{hour}点整"
    return f"{hour}点{'零' if minute < 10 else ''}{minute}分"
