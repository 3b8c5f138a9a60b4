"""From detections to tracks: the same thing keeps its identity from picture to picture.

In the manner of ByteTrack (https://arxiv.org/abs/2110.06864): what is known is matched with sure detections first, and
what is left of it with weak ones, so that a thing is not lost because it is half hidden. Boxes are widened before they
are compared when long has passed (https://arxiv.org/abs/2211.14317): pictures may come once a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import lap
import numpy as np
import numpy.typing as npt

from assistant.events import Box, Detection, Track
from assistant.vision.kalman import BoxFilter
from assistant.vision.things import PERSON

WEAK_CONFIDENCE = 0.2
"""Detections below it are noise, even where something is known to be."""
_SURE_CONFIDENCE = 0.5
"""Seen this surely, a thing is there at once; otherwise it must be seen again."""
_LEAST_AREA = 0.002
"""Share of the picture below which only what is sure begins a track: the detector takes specks for birds."""
_MOST_COST = 0.8
"""1 - overlap above which two boxes are not of one thing."""
_MOST_COST_WEAK = 0.5
_REACH, _REACH_PER_S, _MOST_REACH = 0.4, 1.0, 1.0
"""How far, in its own sizes, a thing can be from where it was expected."""
_OTHER_LABEL = 0.3
"""Added to the cost: a cat is now and then taken for a dog, but a cup on a table is no table."""
_NEVER = 10.0
"""Cost of taking a person for a thing or a thing for a person: the chair is not who sat in it."""
_VOTES_KEPT = 0.8
"""Of the votes for each class, whenever a thing is seen: what replaces another has its own name after five looks."""
_CONVINCING = 2.0
"""How many times the votes of its present class another one needs, so that a detector in two minds renames nothing."""
_WIDENING_PER_S = 0.35
_MOST_WIDENING = 0.4
_MISSES_KEPT = 2
"""Looks that may miss a thing before it is not counted any more: the detector flickers."""
_MEMORY_S = 2.5
"""How long what is out of sight can come back as itself; at least as long as `_MEMORY_LOOKS` looks take."""
_MEMORY_LOOKS = 3
_MOST_MEMORY_S = 30.0
"""However seldom it looks: a camera may have been away."""
_NEW_WEIGHT = 0.3
"""Of the newest confidence in the smoothed one."""

Costs = npt.NDArray[np.float64]


@dataclass(slots=True)
class _Tracked:
    track_id: int
    filter: BoxFilter
    confidence: float
    first_seen_at_s: float
    last_seen_at_s: float
    confirmed: bool
    label: str
    votes: dict[str, float]
    misses: int = 0

    def see(self, found: Detection, at_s: float) -> None:
        self.filter.update(found.box)
        self.confidence += _NEW_WEIGHT * (found.confidence - self.confidence)
        self.votes = {label: votes * _VOTES_KEPT for label, votes in self.votes.items()}
        self.votes[found.label] = self.votes.get(found.label, 0.0) + found.confidence
        if self.votes[found.label] >= _CONVINCING * self.votes[self.label]:
            self.label = found.label
        self.last_seen_at_s, self.misses, self.confirmed = at_s, 0, True

    def as_track(self) -> Track:
        return Track(
            self.track_id,
            self.label,
            self.confidence,
            self.filter.box,
            self.first_seen_at_s,
            self.last_seen_at_s,
            self.confirmed,
        )


class Tracker:
    """Follows everything that a detector finds in one camera's pictures."""

    def __init__(self, *, min_confidence: float) -> None:
        """A thing must be seen with `min_confidence` to be followed at all, and then with `WEAK_CONFIDENCE`."""
        self._min_confidence = min_confidence
        self._known: list[_Tracked] = []
        self._next_id = 1
        self._at_s: float | None = None

    @property
    def unsettled(self) -> bool:
        """Whether another look would decide if something is there, or gone."""
        return any(0 < item.misses <= _MISSES_KEPT or not item.confirmed for item in self._known)

    def reset(self) -> None:
        """Another scene: follow nothing of the old one. Identities are not used again."""
        self._known, self._at_s = [], None

    def update(self, found: Sequence[Detection], at_s: float) -> tuple[Track, ...]:
        """What is there at `at_s`, oldest first. Pictures must come in the order of time."""
        first_look = self._at_s is None
        elapsed_s = 0.0 if self._at_s is None else at_s - self._at_s
        self._at_s = at_s
        for item in self._known:
            item.filter.predict(elapsed_s)
        strong = [item for item in found if item.confidence >= self._min_confidence]
        weak = [item for item in found if WEAK_CONFIDENCE <= item.confidence < self._min_confidence]
        confirmed = [item for item in self._known if item.confirmed]
        tentative = [item for item in self._known if not item.confirmed]

        left, strong = _match(confirmed, strong, at_s, _MOST_COST)
        left, strong = _rejoin(left, strong, at_s)
        hidden = [item for item in left if item.misses > 0]
        missed, _ = _match([item for item in left if item.misses == 0], weak, at_s, _MOST_COST_WEAK)
        unseen, strong = _match(tentative, strong, at_s, _MOST_COST)
        for item in (*hidden, *missed, *unseen):
            item.misses += 1
        self._forget(at_s, elapsed_s)
        for detection in strong:
            sure = detection.confidence >= _SURE_CONFIDENCE
            if sure or detection.box.area >= _LEAST_AREA:
                self._begin(detection, at_s, confirmed=first_look or sure)
        return tuple(item.as_track() for item in self._known if _is_present(item))

    def _begin(self, found: Detection, at_s: float, *, confirmed: bool) -> None:
        box, votes = BoxFilter(found.box), {found.label: found.confidence}
        self._known.append(_Tracked(self._next_id, box, found.confidence, at_s, at_s, confirmed, found.label, votes))
        self._next_id += 1

    def _forget(self, at_s: float, elapsed_s: float) -> None:
        memory_s = min(_MOST_MEMORY_S, max(_MEMORY_S, _MEMORY_LOOKS * elapsed_s))
        self._known = [
            item
            for item in self._known
            if (at_s - item.last_seen_at_s <= memory_s if item.confirmed else item.misses < _MISSES_KEPT)
        ]


def _match(
    known: list[_Tracked], found: list[Detection], at_s: float, most_cost: float
) -> tuple[list[_Tracked], list[Detection]]:
    """Pair boxes that overlap; returns what is left of both."""
    if not known or not found:
        return known, found
    return _assign(known, found, _costs(known, found, at_s), most_cost, at_s)


def _assign(
    known: list[_Tracked], found: list[Detection], costs: Costs, most_cost: float, at_s: float
) -> tuple[list[_Tracked], list[Detection]]:
    """Pair what belongs together at the least cost; returns what is left of both."""
    _, _, owners = lap.lapjv(costs, extend_cost=True, cost_limit=most_cost)
    for index, owner in enumerate(owners):
        if owner >= 0:
            known[owner].see(found[index], at_s)
    left = [item for index, item in enumerate(known) if index not in owners]
    return left, [item for item, owner in zip(found, owners, strict=True) if owner < 0]


def _rejoin(known: list[_Tracked], found: list[Detection], at_s: float) -> tuple[list[_Tracked], list[Detection]]:
    """What comes out from behind a pillar, or went far between two pictures, overlaps nothing: the same kind of thing
    within reach is it."""
    if not known or not found:
        return known, found
    gaps = np.array([[_gap(item, detection, at_s) for detection in found] for item in known], np.float64)
    return _assign(known, found, gaps, 1.0, at_s)


def _gap(item: _Tracked, found: Detection, at_s: float) -> float:
    """Distance of the centres as a share of what is in reach; more than that for another kind of thing."""
    if item.label != found.label:
        return 2.0
    reach = min(_MOST_REACH, _REACH + _REACH_PER_S * (at_s - item.last_seen_at_s))
    box = item.filter.box
    (x0, y0), (x1, y1) = box.center, found.box.center
    return math.hypot(x1 - x0, y1 - y0) / max(1e-6, reach * math.sqrt(max(box.area, found.box.area)))


def _is_present(item: _Tracked) -> bool:
    return item.misses <= (_MISSES_KEPT if item.confirmed else 0)


def _costs(known: Sequence[_Tracked], found: Sequence[Detection], at_s: float) -> Costs:
    """(known, found): 1 - intersection over union of the widened boxes, more where the labels differ; `_NEVER` more
    between a person and a thing."""
    unseen_s = np.array([at_s - item.last_seen_at_s for item in known])
    widening = np.minimum(_MOST_WIDENING, _WIDENING_PER_S * unseen_s)[:, np.newaxis, np.newaxis]
    boxes = _widened(_corners([item.filter.box for item in known])[:, np.newaxis], widening)
    others = _widened(_corners([item.box for item in found])[np.newaxis], widening)
    low, high = np.maximum(boxes[..., :2], others[..., :2]), np.minimum(boxes[..., 2:], others[..., 2:])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    areas = (boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) + (others[..., 2:] - others[..., :2]).prod(axis=-1)
    overlap = shared / np.maximum(areas - shared, 1e-12)
    one, other = np.array([item.label for item in known])[:, np.newaxis], np.array([item.label for item in found])
    other_label, other_kind = one != other, (one == PERSON) != (other == PERSON)
    return np.asarray(1.0 - overlap + _OTHER_LABEL * other_label + _NEVER * other_kind, np.float64)


def _corners(boxes: Sequence[Box]) -> Costs:
    return np.array([(box.x0, box.y0, box.x1, box.y1) for box in boxes], np.float64)


def _widened(corners: Costs, widening: Costs) -> Costs:
    margin = (corners[..., 2:] - corners[..., :2]) * widening / 2
    return np.concatenate([corners[..., :2] - margin, corners[..., 2:] + margin], axis=-1)
