"""Words of feeling in a sentence: longest match over a vocabulary, with negation, intensity and clauses.

English units are words, Chinese ones are characters, since nothing separates Chinese words; all else is shared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from assistant.events import EmotionLabel

Kind = Literal["feeling", "negator", "intensity", "break", "shield", "self", "other", "request", "question", "plain"]
Person = Literal["self", "other", "nobody"]

_ENGLISH_UNIT = re.compile(r"[a-z]+(?:'[a-z]+)*|[0-9]+|[.,;:!?…]")
_CLAUSE_END = re.compile(r"[.,;:!?…。，；：！？、\n]+")
_APOSTROPHES = str.maketrans("’‘`", "'''")


@dataclass(frozen=True, slots=True)
class Words:
    """One language's tables. Phrases are written as people write them and separated by commas."""

    feelings: Mapping[EmotionLabel, Mapping[float, str]]
    """Class → strength (0 to 1) → phrases. A phrase may stand under several classes."""
    intensities: Mapping[float, str]
    """Factor → phrases that make the feeling beside them stronger or weaker."""
    kinds: Mapping[Kind, str]
    """"negator": turns the next feeling around. "break": ends the reach of a negator. "shield": holds a word of feeling
    and means none. "self", "other": whose feeling follows. "request": opens a command, whose words of feeling belong to
    its object ("play sad songs"). "question": makes a clause ask about a feeling instead of stating one."""
    reach: int
    """Units before a word of feeling in which a negator still counts."""
    by_character: bool
    """Whether units are characters, not words; a question word then counts anywhere in its clause, not only first."""
    variants: Mapping[int, int]
    """`str.translate` table for other spellings, such as traditional characters."""


@dataclass(frozen=True, slots=True)
class Token:
    """A stretch of text with its meaning."""

    kind: Kind
    units: int
    factor: float = 1.0
    feelings: tuple[tuple[EmotionLabel, float], ...] = ()
    names_self: bool = False
    """Whether a phrase of feeling holds the speaker ("i love")."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One word of feeling in its context."""

    feelings: tuple[tuple[EmotionLabel, float], ...]
    """Classes with strengths, intensity applied, each at most 1."""
    negated: bool
    person: Person
    """Whose feeling it is, as far as the clause says."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sentence holds."""

    hits: tuple[Hit, ...]
    plain_statements: str
    """The clauses that are no commands, no questions about a feeling, and hold no phrase of the tables."""


class Lexicon:
    """Finds words of feeling with one language's `Words`."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._vocabulary: dict[tuple[str, ...], Token] = {}
        for kind, phrases in words.kinds.items():
            for units in self._phrases(phrases):
                self._vocabulary[units] = Token(kind, len(units))
        for factor, phrases in words.intensities.items():
            for units in self._phrases(phrases):
                self._vocabulary[units] = Token("intensity", len(units), factor=factor)
        speakers = set(self._phrases(words.kinds["self"]))
        for label, tiers in words.feelings.items():
            for strength, phrases in tiers.items():
                for units in self._phrases(phrases):
                    known = self._vocabulary.get(units)
                    others = known.feelings if known else ()
                    feelings = (*others, (label, strength))
                    names_self = units[:1] in speakers
                    self._vocabulary[units] = Token("feeling", len(units), 1.0, feelings, names_self)
        self._longest = max(map(len, self._vocabulary))

    def read(self, text: str) -> Reading:
        """Hits in reading order; commands and questions about feelings are skipped."""
        hits: list[Hit] = []
        statements: list[str] = []
        for clause in filter(str.strip, _CLAUSE_END.split(self._normalised(text))):
            tokens = list(self._tokens(clause))
            if self._is_command(tokens) or self._is_question(tokens):
                continue
            hits.extend(self._hits(tokens))
            if not any(token.kind in ("feeling", "shield") for token in tokens):
                statements.append(clause)
        return Reading(tuple(hits), ", ".join(statements))

    def _normalised(self, text: str) -> str:
        return text.translate(_APOSTROPHES).translate(dict(self._words.variants)).casefold()

    def _units(self, text: str) -> list[str]:
        if self._words.by_character:
            return [character for character in text if not character.isspace()]
        return _ENGLISH_UNIT.findall(text)

    def _phrases(self, phrases: str) -> Iterator[tuple[str, ...]]:
        for phrase in re.split("[,，]", phrases):
            if units := tuple(self._units(phrase)):
                yield units

    def _tokens(self, clause: str) -> Iterator[Token]:
        units = self._units(clause)
        start = 0
        while start < len(units):
            token = self._longest_match(units, start)
            yield token
            start += token.units

    def _longest_match(self, units: list[str], start: int) -> Token:
        for length in range(min(self._longest, len(units) - start), 0, -1):
            if token := self._vocabulary.get(tuple(units[start : start + length])):
                return token
        return Token("plain", 1)

    @staticmethod
    def _is_command(tokens: list[Token]) -> bool:
        """A request comes before anything about oneself or a feeling."""
        opening = next((token for token in tokens if token.kind in ("request", "self", "feeling")), None)
        return opening is not None and opening.kind == "request"

    def _is_question(self, tokens: list[Token]) -> bool:
        candidates = tokens if self._words.by_character else tokens[:1]
        return any(token.kind == "question" for token in candidates)

    def _hits(self, tokens: list[Token]) -> Iterator[Hit]:
        person: Person = "nobody"
        negators: list[int] = []  # positions, in units, of the negators that no feeling has used up
        position = 0
        for index, token in enumerate(tokens):
            if token.kind == "self" or token.kind == "other":
                person = token.kind
            elif token.kind == "break":
                negators.clear()
            elif token.kind == "negator":
                negators.append(position + token.units)
            elif token.kind == "feeling":
                if token.names_self:
                    person = "self"
                reaching = [end for end in negators if position - end <= self._words.reach]
                factor = _factor(tokens, index)
                feelings = tuple((label, min(1.0, strength * factor)) for label, strength in token.feelings)
                # Two negators cancel: 没有不高兴, "never not happy".
                yield Hit(feelings, negated=len(reaching) % 2 == 1, person=person)
                negators.clear()
            position += token.units


def _factor(tokens: list[Token], index: int) -> float:
    """Intensity words directly before a feeling, at most two of them, and one directly after (累死了)."""
    factor = 1.0
    for token in reversed(tokens[max(0, index - 2) : index]):
        if token.kind != "intensity":
            break
        factor *= token.factor
    if index + 1 < len(tokens) and tokens[index + 1].kind == "intensity":
        factor *= tokens[index + 1].factor
    return factor
