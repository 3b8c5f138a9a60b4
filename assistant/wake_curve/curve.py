"""How often the wake phrase is missed, and heard where nobody said it, over the thresholds of `wake.match`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.wake_curve.ears import Heard

THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(11))


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold."""

    threshold: float
    missed: int
    miss_rate: float | None
    """0 to 1; None without positive recordings."""
    false_accepts: int
    false_accepts_per_hour: float | None
    """None without negative recordings."""
    at_most_per_hour: float | None
    """The upper end of its 95 % confidence interval."""


def curve(heard: Sequence[Heard], thresholds: Iterable[float] = THRESHOLDS) -> list[Point]:
    """Misses and false accepts at each threshold."""
    positive = [item for item in heard if item.recording.positive]
    negative = [item for item in heard if not item.recording.positive]
    hours = sum(item.seconds for item in negative) / 3600
    points = []
    for threshold in thresholds:
        missed = sum(item.score < threshold for item in positive)
        false = sum(score >= threshold for item in negative for _, score in item.utterances)
        points.append(
            Point(
                threshold,
                missed,
                missed / len(positive) if positive else None,
                false,
                false / hours if hours else None,
                upper_bound(false) / hours if hours else None,
            )
        )
    return points


def upper_bound(count: int) -> float:
    """The upper end of the one-sided 95 % confidence interval of a Poisson count: 3.0 for none seen.

    Wilson and Hilferty's approximation of the chi-squared quantile; off by less than 1 %.
    """
    events = count + 1
    return float(events * (1 - 1 / (9 * events) + 1.6449 / (3 * math.sqrt(events))) ** 3)
