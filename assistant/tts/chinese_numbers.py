"""Numbers in Chinese text, as they are said."""

from __future__ import annotations

import re
import string

_FULL_WIDTH = str.maketrans({chr(0xFEE0 + ord(one)): one for one in f"{string.digits}{string.ascii_letters}"})
"""Full-width digits and Latin letters; marks stay as they are."""
_UNITS = str.maketrans({"℃": "摄氏度", "％": "%", "−": "-"})
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_DATE = re.compile(r"(?<!\d)(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)")
_CLOCK = re.compile(r"(?<![\d:：])([01]?\d|2[0-3])[:：]([0-5]\d)(?![\d:：])")
_CODE = re.compile(r"\d{7,}|\d+(?:-\d+){2,}|(?<=[A-Za-z])-?\d+|(?<=[A-Za-z]-)\d+")
"""What is read digit by digit: long numbers, telephone numbers, and those of names (A4, COVID-19)."""
_TWO = re.compile(r"(?<![\d.点第])2(?=[个只条张把杯本位件辆名次种台块天])")
_RANGE = re.compile(r"(?<=[\d点整分])[-~～](?=\d)")
_DEGREES = re.compile(r"(?<=\d) ?°C")
_DIGITS = "零一二三四五六七八九"


def spelled_out(text: str) -> str:
    """`text` with its numbers, dates, times and percentages in Chinese characters."""
    text = text.translate(_FULL_WIDTH).translate(_UNITS)
    if not re.search(r"\d", text):
        return text
    import cn2an  # here, because few sentences need it and it takes 0.2 s

    text = _CLOCK.sub(_clock_time, _DATE.sub(r"\1年\2月\3日", text))
    text = _THOUSANDS.sub("", _CODE.sub(_digit_by_digit, text))
    text = _RANGE.sub("到", _TWO.sub("两", _DEGREES.sub("摄氏度", text)))
    written: str = cn2an.transform(text, "an2cn")
    return written


def _clock_time(match: re.Match[str]) -> str:
    """15:05 as it is said; left alone, its colon would be a pause."""
    hour, minute = match[1], int(match[2])
    if minute == 0:
        return f"{hour}点整"
    return f"{hour}点{'零' if minute < 10 else ''}{minute}分"


def _digit_by_digit(match: re.Match[str]) -> str:
    return "".join(_DIGITS[int(character)] for character in match[0] if character.isdigit())
