"""Where things are, by the geometry of their boxes: in the picture, and to each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from assistant.events import Box, Track

Place = Literal["left", "middle", "right"]
Distance = Literal["near", "far"]
Relation = Literal["on", "under", "left", "right", "next"]

SURFACES = frozenset({"dining table", "couch", "chair", "bed", "bench", "book", "laptop"})
"""What other things stand on. A box inside another one's says too little about a dog and a car."""
_FILLS_WIDTH = 0.6
"""What is this wide is everywhere: it has no place."""
_NEAR_PERSON, _FAR_PERSON = 0.75, 0.3
"""Heights of a person, as shares of the picture's. Of other things the size is not known."""
_STANDS_WITHIN = 0.12
"""How far the foot of a thing may be above or below the upper edge of what it stands on, in that one's height."""
_BESIDE = 0.8
"""Gap between two things next to each other, in widths of the wider one."""


def place_of(boxes: Sequence[Box]) -> Place | None:
    """The third of the picture that all of them are in."""
    if any(box.x1 - box.x0 >= _FILLS_WIDTH for box in boxes):
        return None
    thirds = {third_of(box) for box in boxes}
    return thirds.pop() if len(thirds) == 1 else None


def third_of(box: Box) -> Place:
    """The third of the picture that the centre of a box is in, as the camera sees it."""
    places: tuple[Place, ...] = ("left", "middle", "right")
    return places[min(2, int(box.center[0] * 3))]


def distance_of(label: str, box: Box) -> Distance | None:
    """Whether a person is near or far; None in between, for other things, and where the picture cuts them off."""
    if label != "person" or (box.y0 <= 0.01 and box.y1 >= 0.99):
        return "near" if label == "person" and box.area > 0.3 else None
    height = box.y1 - box.y0
    if height >= _NEAR_PERSON:
        return "near"
    return "far" if height <= _FAR_PERSON and box.y0 > 0.01 and box.y1 < 0.99 else None


def relation_of(one: Track, other: Track) -> Relation | None:
    """How `one` is to `other`: "on" or "under" a surface, else beside; None when apart or behind each other."""
    if other.label in SURFACES and stands_on(one.box, other.box):
        return "on"
    if one.label in SURFACES and stands_on(other.box, one.box):
        return "under"
    if other.label in SURFACES and _is_below(one.box, other.box):
        return "under"
    return _beside(one.box, other.box)


def on(surface: Track, things: Iterable[Track]) -> list[Track]:
    """What stands on it."""
    return [item for item in things if item is not surface and stands_on(item.box, surface.box)]


def under(surface: Track, things: Iterable[Track]) -> list[Track]:
    """What is below it."""
    return [item for item in things if item is not surface and _is_below(item.box, surface.box)]


def beside(thing: Track, things: Iterable[Track], side: Relation) -> list[Track]:
    """What is on one side of it ("left", "right", as the camera sees it) or next to it, nearest first."""
    found = [item for item in things if item is not thing and _is_beside(item.box, thing.box, side)]
    return sorted(found, key=lambda item: abs(item.box.center[0] - thing.box.center[0]))


def stands_on(thing: Box, surface: Box) -> bool:
    """Whether a thing's foot is on the surface: within its upper part, and above its middle."""
    height = surface.y1 - surface.y0
    over = surface.x0 - 0.02 <= thing.center[0] <= surface.x1 + 0.02
    high = thing.y0 < surface.y0 + 0.35 * height
    foot = surface.y0 - _STANDS_WITHIN * height <= thing.y1 <= surface.y0 + 0.8 * height
    return over and high and foot and thing.area < surface.area


def _is_below(thing: Box, surface: Box) -> bool:
    inside = surface.x0 <= thing.center[0] <= surface.x1
    return inside and thing.center[1] > surface.center[1] and thing.area < surface.area and thing.y1 <= surface.y1 + 0.1


def _is_beside(one: Box, other: Box, side: Relation) -> bool:
    if side == "next":
        return _beside(one, other) is not None
    if one.x0 <= other.center[0] <= one.x1:
        return False  # behind it, or what it stands on
    apart = one.center[0] - other.center[0]
    least = 0.25 * (other.x1 - other.x0)
    return apart <= -least if side == "left" else apart >= least


def _beside(one: Box, other: Box) -> Relation | None:
    """Close, and at one height."""
    gap = max(one.x0 - other.x1, other.x0 - one.x1)
    level = min(one.y1, other.y1) - max(one.y0, other.y0)
    close = gap <= _BESIDE * max(one.x1 - one.x0, other.x1 - other.x0)
    separate = gap > -0.3 * min(one.x1 - one.x0, other.x1 - other.x0)
    return "next" if close and separate and level > 0.3 * min(one.y1 - one.y0, other.y1 - other.y0) else None
