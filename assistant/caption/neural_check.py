"""What of a network's sentence the object detector bears out.

An image-to-text network invents details fluently. Every noun of its sentence that the detector has a class for is
looked up among what was detected: a sentence is said plainly when all of them were, shortened to the part that was, or
said with "I think"; where the detector surely sees something and nothing that the sentence names, it is dropped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.dialogue.numbers import spoken_count
from assistant.events import SceneState
from assistant.vision.coco_names import COCO_NAMES
from assistant.vision.things import PERSON, count_of, is_sure, things_of

Verdict = Literal["borne out", "doubtful", "contradicted"]

_NEUTRAL = {
    **dict.fromkeys(("man", "woman", "lady", "guy", "gentleman", "male", "female"), "person"),
    **dict.fromkeys(("men", "women", "ladies", "guys", "gentlemen", "males", "females"), "people"),
    **dict.fromkeys(("boy", "girl"), "child"),
    **dict.fromkeys(("boys", "girls"), "children"),
    **dict.fromkeys(("his", "her"), "their"),
}
"""Nothing here can tell what somebody is: a network that says so has guessed."""
_NUMBERS = {spoken_count(number, "en"): number for number in range(2, 10)} | {"a couple of": 2, "a pair of": 2}
_CONNECTORS = frozenset(
    {"with", "and", "on", "in", "at", "by", "near", "next", "beside", "behind", "under", "over", "of", "to", "while"}
    | {
        "holding",
        "wearing",
        "riding",
        "eating",
        "using",
        "playing",
        "carrying",
        "sitting",
        "standing",
        "lying",
        "front",
        "top",
    }
)
"""Words at which a sentence can be cut off: what comes before is one by itself."""
_WORD = re.compile(r"[a-z'-]+")
_CHILD = ("child", "children", "kid", "kids", "baby", "player", "players")


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence after the check."""

    text: str
    """Without a capital or a full stop; as much of it as is said."""
    verdict: Verdict
    confidence: float
    """Mean of the detections that bear it out; 0 where none does."""


@dataclass(frozen=True, slots=True)
class _Noun:
    label: str
    start: int
    """Index of its first word."""
    number: int | None
    """How many the sentence says there are, if it says so."""


def check(sentence: str, scene: SceneState, *, min_confidence: float) -> Checked:
    """Compare an English sentence with what was detected in the same picture."""
    words = [_NEUTRAL.get(word, word) for word in _WORD.findall(sentence.lower())]
    text = " ".join(words)
    found = things_of(scene, min_confidence=min_confidence)
    seen = {item.label: max(item.confidence, 0.0) for item in sorted(found, key=lambda item: item.confidence)}
    if scene.faces:
        seen[PERSON] = max(seen.get(PERSON, 0.0), scene.faces[0].confidence)
    counts = Counter({label: count_of(scene, label, min_confidence=min_confidence) for label in seen})
    nouns = _nouns(words)
    doubted = [noun for noun in nouns if noun.label not in seen or noun.number not in (None, counts[noun.label])]
    borne_out = [noun for noun in nouns if noun not in doubted]
    confidence = sum(seen[noun.label] for noun in borne_out) / len(borne_out) if borne_out else 0.0
    if not borne_out:
        sees_something = bool(scene.faces) or any(is_sure(item) for item in found)
        return Checked(text, "contradicted" if sees_something else "doubtful", 0.0)
    if not doubted:
        return Checked(text, "borne out", confidence)
    if borne_out[0].start < doubted[0].start:
        shortened = _before(words, doubted[0].start)
        if any(noun.start < len(shortened) for noun in borne_out):
            return Checked(" ".join(shortened), "borne out", confidence)
    return Checked(text, "doubtful", confidence)


def _nouns(words: Sequence[str]) -> list[_Noun]:
    """Every noun that the detector has a class for, in their order; two words before one: "hot dog"."""
    nouns = []
    position = 0
    while position < len(words):
        for size in (2, 1):
            label = _CLASSES.get(" ".join(words[position : position + size]))
            if label is not None and position + size <= len(words):
                nouns.append(_Noun(label, position, _number(words, position)))
                position += size
                break
        else:
            position += 1
    return nouns


def _number(words: Sequence[str], noun: int) -> int | None:
    """ "two", up to two words before the noun: "two black dogs"."""
    before = words[max(0, noun - 3) : noun]
    return next((_NUMBERS[word] for word in reversed(before[-2:]) if word in _NUMBERS), None) or next(
        (number for phrase, number in _NUMBERS.items() if " " in phrase and " ".join(before[-3:]) == phrase), None
    )


def _before(words: Sequence[str], noun: int) -> list[str]:
    """The sentence up to the connectors before a noun."""
    cut = next((index for index in range(noun - 1, -1, -1) if words[index] in _CONNECTORS), 0)
    while cut > 0 and words[cut - 1] in _CONNECTORS:
        cut -= 1
    return list(words[:cut])


def _class_words() -> dict[str, str]:
    words: dict[str, str] = dict.fromkeys(_CHILD, PERSON)
    for label, names in COCO_NAMES.items():
        for name in (label, names.english, names.plural, *names.also):
            if name.isascii():
                words.setdefault(name.lower(), label)
                words.setdefault(f"{name.lower()}s", label)
    return words


_CLASSES = _class_words()
