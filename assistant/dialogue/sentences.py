"""Text cut into sentences, each as early as it is certain, so that the first can be spoken while the rest is made."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.han import script_language

_HAN_END = "。！？；…"
_LATIN_END = ".!?;"
_CLOSING = "\"'”’」』）)]】》"
# fmt: off
_ABBREVIATIONS = frozenset((
    "mr", "mrs", "ms", "dr", "prof", "sr", "jr", "st", "vs", "etc", "e.g", "i.e",
    "a.m", "p.m", "no", "approx", "fig", "inc", "ltd", "co", "u.s", "u.k", "ph.d",
))
# fmt: on
_LAST_WORD = re.compile(r"([A-Za-z][A-Za-z.]*)$")
_SPOKEN = re.compile(r"\w")


def split_sentences(text: str) -> list[str]:
    """The sentences of `text`, in order, with their punctuation, without surrounding space."""
    splitter = SentenceSplitter()
    return [*splitter.feed(text), *splitter.flush()]


def joined_sentences(sentences: Sequence[str], language: str | None = None) -> str:
    """`sentences` as one text, without the empty ones; in `language`, by default that of the first one's script."""
    language = language or script_language(sentences[0] if sentences else "")
    return ("" if language == "zh" else " ").join(filter(None, sentences))


class SentenceSplitter:
    """Collects pieces of any size and gives every sentence as soon as its end is certain.

    A Chinese full stop is certain at once. A Latin one needs the character after it, for "3.5" and "Dr. Who" go on.
    """

    def __init__(self) -> None:
        self._text = ""

    def feed(self, piece: str) -> list[str]:
        """Append `piece`; the sentences that are now complete."""
        self._text += piece
        sentences = []
        while (end := self._first_end()) is not None:
            sentences.append(self._text[:end])
            self._text = self._text[end:]
        return _spoken(sentences)

    def flush(self) -> list[str]:
        """What is left, as a last sentence, once no more will come."""
        rest, self._text = self._text, ""
        return _spoken([rest])

    def _first_end(self) -> int | None:
        for position, character in enumerate(self._text):
            if character == "\n":
                return position + 1
            if character not in _HAN_END + _LATIN_END:
                continue
            end = self._after_closing(position)
            if end == len(self._text) and (character in _LATIN_END or self._may_go_on(position)):
                return None
            if self._is_end(position, end):
                return end
        return None

    def _after_closing(self, position: int) -> int:
        """The index after the run of end marks and closing quotes that begins at `position`."""
        end = position + 1
        while end < len(self._text) and self._text[end] in _HAN_END + _LATIN_END + _CLOSING:
            end += 1
        return end

    def _may_go_on(self, position: int) -> bool:
        """Whether a quotation is open, so that its closing mark belongs to the sentence that just ended."""
        so_far = self._text[: position + 1]
        return any(so_far.count(opening) > so_far.count(closing) for opening, closing in ("“”", "「」", "『』", "‘’"))

    def _is_end(self, position: int, end: int) -> bool:
        if self._text[position] in _HAN_END:
            return True
        if not self._text[end].isspace() and self._text[end].isascii():
            return False
        if self._text[position] != "." or end > position + 1:
            return True
        word = _LAST_WORD.search(self._text[:position])
        if word is None:
            return True
        is_initial = len(word.group()) == 1 and word.group() != "I"
        return not is_initial and word.group().casefold() not in _ABBREVIATIONS


def _spoken(sentences: list[str]) -> list[str]:
    """Sentences that hold at least one letter, digit or character, stripped."""
    return [sentence.strip() for sentence in sentences if _SPOKEN.search(sentence)]
