"""The standard figures of multiple-object tracking: CLEAR MOT (Bernardin et al. 2008) and IDF1 (Ristani et al. 2016).

Checked against `motmetrics`, which would bring pandas and scipy along: see `tests/vision/test_mot_metrics.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lap
import numpy as np

from assistant.events import Box

Boxes = Mapping[int, Box]
"""Identity → where it is, in one picture."""
_LEAST_OVERLAP = 0.5


@dataclass(frozen=True, slots=True)
class TrackingFigures:
    """Over all pictures of a sequence."""

    boxes: int
    """True boxes."""
    misses: int
    false_positives: int
    switches: int
    """How often a true thing's identity changed."""
    idtp: int
    """Boxes under the one identity that explains each thing best."""
    found: int
    """Boxes that the tracker gave."""

    @property
    def mota(self) -> float:
        """1 is perfect, below 0 is possible."""
        return 1.0 - (self.misses + self.false_positives + self.switches) / max(1, self.boxes)

    @property
    def idf1(self) -> float:
        """0 to 1."""
        return 2.0 * self.idtp / max(1, self.boxes + self.found)

    def __add__(self, other: TrackingFigures) -> TrackingFigures:
        return TrackingFigures(
            self.boxes + other.boxes,
            self.misses + other.misses,
            self.false_positives + other.false_positives,
            self.switches + other.switches,
            self.idtp + other.idtp,
            self.found + other.found,
        )


def judge(truth: Sequence[Boxes], tracks: Sequence[Boxes]) -> TrackingFigures:
    """Compare picture by picture; a pair counts from an overlap of one half."""
    misses = false_positives = switches = 0
    last: dict[int, int] = {}
    together: Counter[tuple[int, int]] = Counter()
    for real, given in zip(truth, tracks, strict=True):
        overlaps = {(one, two): overlap(real[one], given[two]) for one in real for two in given}
        likely = {pair: value for pair, value in overlaps.items() if value >= _LEAST_OVERLAP}
        together.update(likely.keys())
        pairs = _pairs(likely, last)
        switches += sum(one in last and last[one] != two for one, two in pairs.items())
        misses += len(real) - len(pairs)
        false_positives += len(given) - len(pairs)
        last.update(pairs)
    boxes, found = sum(map(len, truth)), sum(map(len, tracks))
    return TrackingFigures(boxes, misses, false_positives, switches, _identity_matches(together), found)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    shared = max(0.0, width) * max(0.0, height)
    return shared / max(one.area + other.area - shared, 1e-12)


def _pairs(likely: Mapping[tuple[int, int], float], last: Mapping[int, int]) -> dict[int, int]:
    """Who is who: what matched before goes on to match while it overlaps, the rest by the greatest overlap."""
    kept = {one: two for one, two in likely if last.get(one) == two}
    rest = {(a, b): value for (a, b), value in likely.items() if a not in kept and b not in kept.values()}
    return kept | dict(_assign(rest, 1.0))


def _identity_matches(together: Counter[tuple[int, int]]) -> int:
    """Each true identity gets at most one track's, so that the most boxes agree."""
    most = max(together.values(), default=0)
    pairs = _assign({pair: float(count) for pair, count in together.items()}, most + 1.0)
    return sum(together[pair] for pair in pairs)


def _assign(worth: Mapping[tuple[int, int], float], ceiling: float) -> list[tuple[int, int]]:
    """The pairs with the greatest sum; those without worth are none."""
    rows, columns = sorted({a for a, _ in worth}), sorted({b for _, b in worth})
    if not worth:
        return []
    costs = np.full((len(rows), len(columns)), 2 * ceiling + 1.0)
    for (a, b), value in worth.items():
        costs[rows.index(a), columns.index(b)] = ceiling - value
    _, owners, _ = lap.lapjv(costs, extend_cost=True, cost_limit=2 * ceiling)
    return [(rows[index], columns[owner]) for index, owner in enumerate(owners) if owner >= 0]
