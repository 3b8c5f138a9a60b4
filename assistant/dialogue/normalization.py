"""What recognisers write, brought to one form before it is matched."""

from __future__ import annotations

import re
import unicodedata

from assistant.han import contains_han

_CLAUSE_END = re.compile(r"[.?!;,:…。？！；，、：\n]+(?=\s|$|[^\x00-\x7f])|[。？！；，、：…]+")
_NOT_SPOKEN = re.compile(r"[^\w\s'%.]|_")
_HALF = re.compile(r"(\d+)\.50?(?!\d)\s*(个?)")
_PERCENT = re.compile(r"(\d+)\s*%")
_LONE_DOT = re.compile(r"\.(?!\d)|(?<!\d)\.")
_JOINING_WORD = re.compile(r"\b(?:and then|and also|and)\b|然后|还有|并且|顺便")
_SPACES = re.compile(r"\s+")


def normalize(text: str) -> str:
    """Lower case, no punctuation, one space at most; "50%" and "1.5" as words that the templates know."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("‘", "'")
    if contains_han(text):
        text = _HALF.sub(r"\1个半", text)
        text = _PERCENT.sub(r"百分之\1", text)
    else:
        text = _HALF.sub(r"\1 and a half ", text)
        text = _PERCENT.sub(r"\1 percent", text)
    text = _LONE_DOT.sub(" ", _NOT_SPOKEN.sub(" ", text))
    return _SPACES.sub(" ", text).strip()


def clauses(text: str) -> list[str]:
    """The normalised parts of an utterance that holds more than one: split at punctuation, else at "and" and its like.

    Empty when there is only one.
    """
    for separator in (_CLAUSE_END, _JOINING_WORD):
        parts = [part for part in map(normalize, separator.split(text.casefold())) if part]
        if len(parts) > 1:
            return parts
    return []
