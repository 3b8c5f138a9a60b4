"""The wake phrase in what was recognised.

A phrase is a greeting and a name: "hey" and "jarvis", 你好 and 贾维斯. The name decides; the greeting counts a little,
may be any of the usual ones, and may be missing at the very beginning, where microphones and gates swallow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.errors import ConfigError
from assistant.wake.sounds import Unit, similarity, units

NAME_WEIGHT = 0.8
MIN_GREETING = 0.6
"""Less alike, a word before the name is no greeting."""
_GREETINGS = ("hey", "hi", "hello", "ok", "okay", "hay", "你好", "您好", "嘿", "嗨", "喂", "哈喽")
_WEAK_GREETINGS = frozenset({"a", "he", "eh", "hei", "hai", "the", "they"})
"""What is heard for "hey"; said so often that it counts little."""
WEAK_GREETING = 0.3
_FILLERS = frozenset(
    {
        "um",
        "uh",
        "er",
        "ah",
        "oh",
        "so",
        "well",
        "and",
        "but",
        "now",
        "please",
        "嗯",
        "呃",
        "啊",
        "哦",
        "那",
        "个",
        "请",
    }
)
_MAX_FILLERS = 3
_LEADING = " \t\r\n,，、.。…;；:：!！?？-–—"
_TRAILING = " \t\r\n,，、;；:：-–—"
_SENTENCE_END = re.compile(r"[.。!！?？…]\s*$")


@dataclass(frozen=True, slots=True)
class PhraseMatch:
    """A wake phrase in a transcript."""

    phrase: str
    """As configured."""
    score: float
    """0 to 1."""
    rest: str
    """The command: what was said apart from the phrase, as it was written."""


@dataclass(frozen=True, slots=True)
class _Phrase:
    text: str
    greeting: tuple[Unit, ...]
    name: tuple[Unit, ...]


class PhraseMatcher:
    """Finds any of some wake phrases where a sentence begins, or at its very end."""

    def __init__(self, phrases: Sequence[str], threshold: float) -> None:
        """`threshold` (0 to 1) is how alike phrase and words must sound. Raises `ConfigError` for a phrase without a
        word."""
        self._phrases = [_split(phrase) for phrase in phrases]
        self._greetings = [tuple(units(greeting)) for greeting in _GREETINGS]
        self._greetings += [phrase.greeting for phrase in self._phrases if phrase.greeting]
        self._threshold = threshold

    def match(self, text: str) -> PhraseMatch | None:
        """The phrase that `text` holds, None when it holds none."""
        heard = units(text)
        return self._at_a_beginning(text, heard, self._threshold) or self._at_the_end(text, heard, self._threshold)

    def score(self, text: str) -> float:
        """The highest threshold (0 to 1) with which `match` finds a phrase in `text`."""
        heard = units(text)
        found = (self._at_a_beginning(text, heard, 0.0), self._at_the_end(text, heard, 0.0))
        return max((match.score for match in found if match is not None), default=0.0)

    def _at_a_beginning(self, text: str, heard: list[Unit], threshold: float) -> PhraseMatch | None:
        best: PhraseMatch | None = None
        for start, bare_name in _beginnings(text, heard):
            for phrase in self._phrases:
                score, end = self._best_from(phrase, heard[start:], bare_name)
                if score >= threshold and (best is None or score > best.score):
                    rest = text[heard[start + end - 1].end :]
                    best = PhraseMatch(phrase.text, score, rest.lstrip(_LEADING).rstrip())
        return best

    def _at_the_end(self, text: str, heard: list[Unit], threshold: float) -> PhraseMatch | None:
        best: PhraseMatch | None = None
        for phrase in self._phrases:
            longest = len(phrase.greeting) + len(phrase.name) + 2
            for start in range(max(1, len(heard) - longest), len(heard)):
                score, end = self._best_from(phrase, heard[start:], bare_name=False)
                if start + end == len(heard) and score >= threshold and (best is None or score > best.score):
                    before = text[: heard[start].start]
                    best = PhraseMatch(phrase.text, score, before.lstrip(_LEADING).rstrip(_TRAILING))
        return best

    def _best_from(self, phrase: _Phrase, heard: Sequence[Unit], bare_name: bool) -> tuple[float, int]:
        """The best score of `phrase` at the beginning of `heard`, and how many units it covers."""
        best = (0.0, 0)
        for greeting_size, greeting in self._openings(heard):
            if not greeting_size and phrase.greeting and not bare_name:
                continue
            if greeting_size and not phrase.greeting and not bare_name and greeting < 1.0:
                continue  # there it is more likely a word of the command: "yellow", or the "the" before a noun
            for name_size in range(1, len(phrase.name) + 2):
                end = greeting_size + name_size
                if end > len(heard):
                    break
                name = similarity(phrase.name, heard[greeting_size:end])
                share = NAME_WEIGHT if phrase.greeting else 1.0
                best = max(best, (share * name + (1.0 - share) * greeting, end), key=lambda pair: (pair[0], -pair[1]))
        if heard and phrase.greeting and len(heard[0].text) > sum(len(unit.text) for unit in phrase.name):
            # "Heyjarvis", written as one word.
            best = max(best, (similarity((*phrase.greeting, *phrase.name), heard[:1]), 1), key=lambda pair: pair[0])
        return best

    def _openings(self, heard: Sequence[Unit]) -> Iterator[tuple[int, float]]:
        """No greeting, or one of the known ones: how many units it covers and how alike it sounds."""
        yield 0, 0.0
        for size in (1, 2):
            alike = max(similarity(greeting, heard[:size]) for greeting in self._greetings)
            if size == 1 and heard and heard[0].text in _WEAK_GREETINGS:
                yield size, WEAK_GREETING
            elif alike >= MIN_GREETING:
                yield size, alike


def _split(phrase: str) -> _Phrase:
    words = units(phrase)
    if not words:
        raise ConfigError(f"The wake phrase '{phrase}' holds no word.", remedy="Correct wake.phrases.")
    known = {tuple(unit.text for unit in units(greeting)) for greeting in _GREETINGS}
    for size in (2, 1):
        if len(words) > size and tuple(unit.text for unit in words[:size]) in known:
            return _Phrase(phrase, tuple(words[:size]), tuple(words[size:]))
    return _Phrase(phrase, (), tuple(words))


def _beginnings(text: str, heard: Sequence[Unit]) -> Iterator[tuple[int, bool]]:
    """Where a phrase may begin, and whether its name alone is enough there."""
    skipping = True
    for index, unit in enumerate(heard):
        if skipping:
            yield index, True
            skipping = index < _MAX_FILLERS and unit.text in _FILLERS
        elif _SENTENCE_END.search(text[: unit.start]):
            yield index, False
