"""Numbers as they are spoken, so that no voice has to guess how to read digits."""

from __future__ import annotations

import re

# fmt: off
_EN_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
# fmt: on
_EN_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_EN_IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_ZH_DIGITS = "零一二三四五六七八九"
_NUMBER_WORDS = frozenset((*_EN_UNITS, *_EN_TENS[2:], "hundred", "thousand", *_ZH_DIGITS, *"两十百千"))
_DIGITS = re.compile(r"(?<![\d.])\d{1,4}(?![\d.])")


def is_number_word(word: str) -> bool:
    """Whether a lower-case English word, or a Chinese character, is a number or a part of one."""
    return word in _NUMBER_WORDS


def digits_spoken(text: str, language: str) -> str:
    """`text` with its whole numbers up to four digits in words, as a voice says them."""
    return _DIGITS.sub(lambda match: f" {spoken_number(int(match.group()), language)} ", text)


def spoken_number(number: int, language: str) -> str:
    """`number` (0 to 9999) in words: "forty-two", "四十二"."""
    return _zh_number(number) if language == "zh" else _en_number(number)


def spoken_count(number: int, language: str) -> str:
    """Like `spoken_number`, as it stands before a counted thing: Chinese then says 两 for two."""
    return "两" if language == "zh" and number == 2 else spoken_number(number, language)


def english_ordinal(number: int) -> str:
    """`number` (1 to 99) as an ordinal: "twenty-first"."""
    head, hyphen, last = _en_number(number).rpartition("-")
    if last in _EN_IRREGULAR_ORDINALS:
        last = _EN_IRREGULAR_ORDINALS[last]
    elif last.endswith("y"):
        last = f"{last[:-1]}ieth"
    else:
        last = f"{last}th"
    return f"{head}{hyphen}{last}"


def spoken_year(year: int, language: str) -> str:
    """A year (1000 to 9999) as it is read: "twenty twenty-six", "二零二六"."""
    if language == "zh":
        return "".join(_ZH_DIGITS[int(digit)] for digit in str(year))
    century, rest = divmod(year, 100)
    if century % 10 == 0 and rest < 10:
        return _en_number(year)
    if rest == 0:
        return f"{_en_number(century)} hundred"
    return f"{_en_number(century)} {'oh ' if rest < 10 else ''}{_en_number(rest)}"


def _en_number(number: int) -> str:
    if number < 20:
        return _EN_UNITS[number]
    if number < 100:
        tens, units = divmod(number, 10)
        return _EN_TENS[tens] + (f"-{_EN_UNITS[units]}" if units else "")
    unit, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    head, rest = divmod(number, unit)
    return f"{_en_number(head)} {name}" + (f" {_en_number(rest)}" if rest else "")


def _zh_number(number: int) -> str:
    if number < 10:
        return _ZH_DIGITS[number]
    if number < 100:
        tens, units = divmod(number, 10)
        return ("" if tens == 1 else _ZH_DIGITS[tens]) + "十" + (_ZH_DIGITS[units] if units else "")
    unit, name = (1000, "千") if number >= 1000 else (100, "百")
    head, rest = divmod(number, unit)
    if not rest:
        return f"{_ZH_DIGITS[head]}{name}"
    gap = "零" if rest < unit // 10 else ""
    teen = "一" if 10 <= rest < 20 else ""
    return f"{_ZH_DIGITS[head]}{name}{gap}{teen}{_zh_number(rest)}"
