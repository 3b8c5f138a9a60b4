"""What of a network's sentence the object detector bears out.

An image-to-text network invents details fluently. Every noun of its sentence that the detector has a class for is
looked up among what was detected: a sentence is said plainly when all of them surely were, shortened to the part that
was, or said with doubt; where the detector surely sees something and nothing that the sentence names, it is dropped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.dialogue.numbers import spoken_count
from assistant.events import SceneState, Track
from assistant.vision.coco_names import COCO_NAMES
from assistant.vision.colors import COLORS
from assistant.vision.things import PERSON, count_of, is_sure, things_of

Verdict = Literal["borne out", "doubtful", "contradicted"]

_NEUTRAL = {
    **dict.fromkeys(("man", "woman", "lady", "guy", "gentleman", "male", "female"), "person"),
    **dict.fromkeys(("men", "women", "ladies", "guys", "gentlemen", "males", "females"), "people"),
    **dict.fromkeys(("boy", "girl"), "child"),
    **dict.fromkeys(("boys", "girls"), "children"),
    **dict.fromkeys(("his", "her"), "their"),
    "grey": "gray",
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
_DOERS = ("player", "skier", "snowboarder", "skateboarder", "surfer", "rider", "cyclist")
_SOMEONE = ("child", "kid", "baby", *_DOERS)
_SEVERAL = ("children", "kids", "babies", *(f"{doer}s" for doer in _DOERS))
_PLURAL = frozenset((*_SEVERAL, "people", "persons"))


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
    end: int
    """Index of the word after it."""
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
    if doubted:
        shortened = _before(words, doubted[0].start)
        borne_out = [noun for noun in borne_out if noun.end <= len(shortened)]
        if not borne_out:
            return Checked(text, "doubtful", confidence)
        text = " ".join(shortened)
    sure = all(_is_sure(noun, words, found, len(scene.faces)) for noun in borne_out)
    return Checked(text, "borne out" if sure else "doubtful", confidence)


def mentions_people(text: str) -> bool:
    """Whether a checked sentence names any."""
    return any(noun.label == PERSON for noun in _nouns(text.split()))


def with_name(text: str, name: str) -> str | None:
    """A checked sentence with a name in the place of the one person in it: "Anna in a red coat" for "a person in a red
    coat". None where that is not who it is about."""
    words = text.split()
    people = [noun for noun in _nouns(words) if noun.label == PERSON]
    if len(people) != 1 or words[people[0].end - 1] in _PLURAL:
        return None
    before = words[: people[0].start]
    article = next((index for index in reversed(range(len(before))) if before[index] in ("a", "an", "the")), None)
    if article is None or any(word in _CONNECTORS for word in before[article:]):
        return None
    return " ".join([*before[:article], name, *words[people[0].end :]])


def _is_sure(noun: _Noun, words: Sequence[str], found: Sequence[Track], faces: int) -> bool:
    """Whether as many are surely there, and not in another colour than the sentence says."""
    things = [item for item in found if item.label == noun.label]
    sure = sum(is_sure(item) for item in things)
    if noun.label == PERSON:
        return max(sure, faces) >= (noun.number or 1)
    said = [word for word in words[max(0, noun.start - 2) : noun.start] if word in COLORS]
    fits = not said or any(item.color in ("", *said) for item in things)
    return fits and sure >= (noun.number or 1)


def _nouns(words: Sequence[str]) -> list[_Noun]:
    """Every noun that the detector has a class for, in their order; two words before one: "hot dog"."""
    nouns = []
    position = 0
    while position < len(words):
        for size in (2, 1):
            label = _CLASSES.get(" ".join(words[position : position + size]))
            if label is not None and position + size <= len(words):
                nouns.append(_Noun(label, position, position + size, _number(words, position)))
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
    words: dict[str, str] = dict.fromkeys((*_SOMEONE, *_SEVERAL), PERSON)
    for label, names in COCO_NAMES.items():
        for name in (label, names.english, names.plural, *names.also):
            if name.isascii():
                words.setdefault(name.lower(), label)
                words.setdefault(f"{name.lower()}s", label)
    return words


_CLASSES = _class_words()
