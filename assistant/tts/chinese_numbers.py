"""Numbers in Chinese text, as they are said."""

from __future__ import annotations

import re
import string

from assistant.han import HAN_RANGE

_FULL_WIDTH = str.maketrans({chr(0xFEE0 + ord(one)): one for one in f"{string.digits}{string.ascii_letters}"})
"""Full-width digits and Latin letters; marks stay as they are."""
_SIGNS = str.maketrans({"℃": "摄氏度", "％": "%", "−": "-", "〇": "零"})
_SPACE = re.compile(f"(?<=\\d) +(?=[{HAN_RANGE}°])")
_DEGREES = re.compile(r"(?<=\d)°C")
_DATE = re.compile(r"(?<!\d)(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)")
_CLOCK = re.compile(r"(?<![\d:：])([01]?\d|2[0-3])[:：]([0-5]\d)(?![\d:：])")
_CODE = re.compile(
    r"(?<![\d.])\d{7,}(?!\d|\.\d|[元块人个万亿美])|0\d{2,3}-\d{7,8}|\d+(?:-\d+){2,}|(?<=[A-Za-z])-?\d+(?:\.\d+)*"
)
"""What is read digit by digit: long numbers, telephone numbers, and those of names (A4, COVID-19, USB 3.0)."""
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_YEARS = re.compile(r"(?<!\d)([1-4]?\d|[1-9]\d{2}|[13-9]000)年(?!\d{1,2}月)")
"""So many years, and not the year of that number, which is read digit by digit."""
_TWO = re.compile(r"(?<![\d.点第/])2(?=小时|分钟|秒|公里|[个只条张把杯本位件辆名次种台块天年周岁米瓶碗份家遍倍])")
_RANGE = re.compile(r"(\d[^\W\d]{0,3}%?)[-~～–](?=-?\d)")
_DIGITS = "零一二三四五六七八九"


def spelled_out(text: str) -> str:
    """`text` with its numbers, dates, times and percentages in Chinese characters."""
    text = text.translate(_FULL_WIDTH).translate(_SIGNS)
    if not re.search(r"\d", text):
        return text
    import cn2an  # here, because few sentences need it and it takes 0.2 s

    text = _DEGREES.sub("摄氏度", _SPACE.sub("", text))
    text = _CLOCK.sub(_clock_time, _DATE.sub(r"\1年\2月\3日", text))
    text = _THOUSANDS.sub("", _CODE.sub(_digit_by_digit, text))
    text = _RANGE.sub(r"\1到", _TWO.sub("两", text))
    text = _YEARS.sub(lambda match: f"{cn2an.an2cn(match[1])}年", text)
    written: str = cn2an.transform(text, "an2cn")
    return written


def _clock_time(match: re.Match[str]) -> str:
    """15:05 as it is said; left alone, its colon would be a pause."""
    hour, minute = match[1].removeprefix("0") or "0", int(match[2])
    hour = "两" if hour == "2" else hour
    if minute == 0:
        return f"{hour}点整"
    return f"{hour}点{'零' if minute < 10 else ''}{minute}分"


def _digit_by_digit(match: re.Match[str]) -> str:
    return "".join(_DIGITS[int(one)] if one.isdigit() else "点" for one in match[0] if one != "-")
