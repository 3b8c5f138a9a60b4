"""What is there of one class, how surely, and how that is put into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.dialogue.numbers import spoken_count
from assistant.dialogue.replies import joined
from assistant.events import SceneState, Track
from assistant.skills.scene_words import relative_place
from assistant.vision.labels import counted, name_of
from assistant.vision.things import PERSON, count_of, is_sure, things_of

_MOST_PLACES = 3


@dataclass(frozen=True, slots=True)
class Found:
    """The things of one class that count."""

    label: str
    items: tuple[Track, ...]
    """Surest first; fewer than the number where only faces are seen."""
    sure: int
    """How many are there without doubt."""
    doubtful: int

    @property
    def number(self) -> int:
        return self.sure + self.doubtful

    def spoken(self, language: str) -> str:
        """ "two dogs", "one dog, and perhaps one more"; what is doubtful altogether is for the sentence to hedge."""
        if not (self.sure and self.doubtful):
            return counted(self.label, language, self.number)
        certain = counted(self.label, language, self.sure)
        if language == "zh":
            return f"{certain}，可能还有{_measured(self.label, self.doubtful)}"
        return f"{certain}, and perhaps {spoken_count(self.doubtful, language)} more"


def look_for(scene: SceneState, label: str, *, min_confidence: float) -> Found:
    """What of a class counts. A face that is seen is a person without doubt."""
    things = things_of(scene, min_confidence=min_confidence)
    of_class = sorted((item for item in things if item.label == label), key=lambda item: -item.confidence)
    items = [item for item in of_class if item.confirmed] or of_class
    sure = sum(is_sure(item) for item in items)
    if label == PERSON:
        sure = max(sure, len(scene.faces))
    return Found(label, tuple(items), sure, count_of(scene, label, min_confidence=min_confidence) - sure)


def whereabouts(items: Sequence[Track], things: Sequence[Track], language: str, *, more: bool = False) -> str:
    """ "one dog on the left", "two dogs, one on the left and one on the right", or where one of many is. With `more`,
    they add to others of their class, which have been named: "one more on the right"."""
    label, chinese = items[0].label, language == "zh"
    number = counted(label, language, len(items))
    if more:
        number = _measured(label, len(items)) if chinese else f"{spoken_count(len(items), language)} more"
    gap = "" if chinese else " "
    places = Counter(relative_place(item, things, language) for item in items)
    if len(places) == 1:
        return f"{number}{gap}{next(iter(places))}"
    if len(places) > _MOST_PLACES:
        one_of_them = f"其中{_measured(label, 1)}" if chinese else "one of them"
        return f"{number}{'，' if chinese else ', '}{one_of_them}{gap}{next(iter(places))}"
    if chinese:
        return "，".join([number, *(f"{_measured(label, there)}{place}" for place, there in places.items())])
    return f"{number}, {joined([f'{spoken_count(there, language)} {place}' for place, there in places.items()], 'en')}"


def _measured(label: str, count: int) -> str:
    """两只, of 两只狗."""
    return counted(label, "zh", count).removesuffix(name_of(label, "zh", count))
