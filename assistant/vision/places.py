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
_WITH_LEGS = frozenset({"dining table", "chair", "bench"})
"""Surfaces that leave room below."""
_VEHICLES = {"bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"}
_LARGE_ANIMALS = {"horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"}
_FURNITURE = {"bench", "chair", "couch", "bed", "dining table", "toilet", "oven", "refrigerator"}
_OF_THE_STREET = {"traffic light", "fire hydrant", "stop sign", "parking meter"}
_ON_THE_FLOOR = frozenset({"person"} | _VEHICLES | _LARGE_ANIMALS | _FURNITURE | _OF_THE_STREET)
"""What is behind a table, or before it, when their boxes touch. Who sits on a chair looks like who stands behind it."""
_FILLS_WIDTH = 0.6
"""What is this wide is everywhere: it has no place."""
_NEAR_PERSON, _FAR_PERSON = 0.75, 0.3
"""Heights of a person, as shares of the picture's. Of other things the size is not known."""
_UPRIGHT = 3.0
"""Least height of a standing person in their own widths, both as shares of the picture's: in pixels 2.3 in a picture of
4:3, 1.7 in one of 16:9. Who sits, lies or is half hidden is wider. In a picture that is higher than wide nobody is far
away: better that than a wrong word."""
_STANDS_WITHIN = 0.12
"""How far the foot of a thing may be above or below the upper edge of what it stands on, in that one's height."""
_LEVEL_WITHIN = 0.1
"""How far the foot of a thing may be above or below the foot of what it is under, in that one's height."""
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


def distance_of(item: Track, things: Iterable[Track]) -> Distance | None:
    """Whether a person is near or far. None in between, for other things, and where less than a whole standing person
    shows: the size of the rest says nothing."""
    if item.label != "person":
        return None
    box, height = item.box, item.box.y1 - item.box.y0
    if box.y0 <= 0.01 and box.y1 >= 0.99:
        return "near" if box.area > 0.3 else None
    if height >= _NEAR_PERSON:
        return "near"
    whole = box.y0 > 0.01 and box.y1 < 0.99 and height >= _UPRIGHT * (box.x1 - box.x0)
    return "far" if height <= _FAR_PERSON and whole and not _foot_is_hidden(item, things) else None


def is_on(thing: Track, surface: Track) -> bool:
    """Whether a thing's foot is on a surface: within its upper part, and above its middle."""
    if surface.label not in SURFACES or thing.label in _ON_THE_FLOOR:
        return False
    one, other = thing.box, surface.box
    height = other.y1 - other.y0
    over = other.x0 - 0.02 <= one.center[0] <= other.x1 + 0.02
    high = one.y0 < other.y0 + 0.35 * height
    foot = other.y0 - _STANDS_WITHIN * height <= one.y1 <= other.y0 + 0.8 * height
    return over and high and foot and one.area < other.area


def is_under(thing: Track, surface: Track) -> bool:
    """Whether a thing stands where a surface with legs does, lower than its middle."""
    one, other = thing.box, surface.box
    # What the picture cuts off may have its feet anywhere.
    if surface.label not in _WITH_LEGS or thing.label in _ON_THE_FLOOR or other.y1 >= 0.99:
        return False
    inside = other.x0 <= one.center[0] <= other.x1 and one.center[1] > other.center[1]
    level = abs(one.y1 - other.y1) <= _LEVEL_WITHIN * (other.y1 - other.y0)
    return inside and level and one.area < other.area


def on(surface: Track, things: Iterable[Track]) -> list[Track]:
    """What stands on it."""
    return [item for item in things if item is not surface and is_on(item, surface)]


def under(surface: Track, things: Iterable[Track]) -> list[Track]:
    """What is below it."""
    return [item for item in things if item is not surface and is_under(item, surface)]


def beside(thing: Track, things: Iterable[Track], side: Relation) -> list[Track]:
    """What is on one side of it ("left", "right", as the camera sees it) or next to it, nearest first."""
    found = [item for item in things if item is not thing and _is_beside(item.box, thing.box, side)]
    return sorted(found, key=lambda item: abs(item.box.center[0] - thing.box.center[0]))


def _foot_is_hidden(item: Track, things: Iterable[Track]) -> bool:
    """Whether something stands before it: its foot is within the box of what reaches further down."""
    foot_x, foot_y = item.box.center[0], item.box.y1
    boxes = [other.box for other in things if other is not item]
    return any(box.x0 <= foot_x <= box.x1 and box.y0 <= foot_y < box.y1 - 0.02 for box in boxes)


def _is_beside(one: Box, other: Box, side: Relation) -> bool:
    if side == "next":
        return _is_next_to(one, other)
    if one.x0 <= other.center[0] <= one.x1:
        return False  # behind it, or what it stands on
    apart = one.center[0] - other.center[0]
    least = 0.25 * (other.x1 - other.x0)
    return apart <= -least if side == "left" else apart >= least


def _is_next_to(one: Box, other: Box) -> bool:
    """Whether they are close, and at one height."""
    gap = max(one.x0 - other.x1, other.x0 - one.x1)
    level = min(one.y1, other.y1) - max(one.y0, other.y0)
    close = gap <= _BESIDE * max(one.x1 - one.x0, other.x1 - other.x0)
    separate = gap > -0.3 * min(one.x1 - one.x0, other.x1 - other.x0)
    return close and separate and level > 0.3 * min(one.y1 - one.y0, other.y1 - other.y0)
