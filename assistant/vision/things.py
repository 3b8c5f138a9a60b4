"""What a scene holds, as its captions and the answers to questions count it: tracks where there are any."""

from __future__ import annotations

from assistant.events import Detection, SceneState, Track
from assistant.vision.colors import color_of

PERSON = "person"
SURE_CONFIDENCE = 0.5
_SURE_AREA = 0.002
_SPECK_AREA = 0.0005
"""Shares of the picture. The detector takes specks in a landscape for birds and boats."""


def things_of(scene: SceneState, *, min_confidence: float) -> list[Track]:
    """Everything worth mentioning. What is followed stays even where one picture shows it weakly; a picture by itself
    is taken as it is."""
    if scene.tracks is not None:
        return [item for item in scene.tracks if item.confirmed or item.confidence >= min_confidence]
    found = [item for item in scene.objects if item.confidence >= min_confidence]
    return [
        Track(
            number,
            item.label,
            item.confidence,
            item.box,
            scene.at_s,
            scene.at_s,
            color=color_of(scene.frame.pixels, item.box) if scene.frame is not None else "",
        )
        for number, item in enumerate(found, start=1)
    ]


def is_speck(found: Detection) -> bool:
    """Whether something is too small to be believed where no other picture confirms it."""
    sure = found.confidence >= SURE_CONFIDENCE
    return found.box.area < (_SPECK_AREA if sure else _SURE_AREA)


def is_sure(item: Track) -> bool:
    """Whether it is said without "I think"."""
    return item.confirmed and item.confidence >= SURE_CONFIDENCE and item.box.area >= _SURE_AREA


def count_of(scene: SceneState, label: str, *, min_confidence: float) -> int:
    """How many of a class there are: what was seen once, and not surely, counts only where nothing else does. The face
    detector sees people whom the object detector misses."""
    of_class = [item for item in things_of(scene, min_confidence=min_confidence) if item.label == label]
    found = sum(item.confirmed for item in of_class) or len(of_class)
    return max(found, len(scene.faces)) if label == PERSON else found
