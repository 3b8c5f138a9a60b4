"""What a classifier is worth: accuracy, precision and recall, calibration, abstention; each with its uncertainty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_BINS = 15


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def accuracy(probabilities: FloatArray, truth: IntArray) -> float:
    """Share of moments whose likeliest class is right."""
    return float((probabilities.argmax(axis=1) == truth).mean())


def calibration_error(probabilities: FloatArray, truth: IntArray) -> float:
    """Expected calibration error of the top class over 15 equal-width bins.

    Guo et al. (2017), "On calibration of modern neural networks", ICML.
    """
    return float(sum(share * abs(right - sure) for share, sure, right in reliability(probabilities, truth)))


def reliability(probabilities: FloatArray, truth: IntArray) -> list[tuple[float, float, float]]:
    """(share of moments, mean confidence, accuracy) of each bin that is not empty."""
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    rows = []
    for index in range(_BINS):
        inside = bins == index
        if inside.any():
            rows.append((float(inside.mean()), float(sure[inside].mean()), float(right[inside].mean())))
    return rows


def confusion(probabilities: FloatArray, truth: IntArray) -> IntArray:
    """Shape (classes, classes): rows are true, columns are said."""
    classes = probabilities.shape[1]
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (truth, probabilities.argmax(axis=1)), 1)
    return table


def per_class(table: IntArray) -> list[dict[str, float]]:
    """Precision, recall, F1 and count of each class, from a confusion matrix; 0 where nothing was said or true."""
    hits = np.diag(table).astype(float)
    said, true = table.sum(axis=0), table.sum(axis=1)
    precision = hits / np.maximum(said, 1)
    recall = hits / np.maximum(true, 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return [
        {"precision": float(p), "recall": float(r), "f1": float(f), "count": int(n)}
        for p, r, f, n in zip(precision, recall, f1, true, strict=True)
    ]


def risk_coverage(probabilities: FloatArray, truth: IntArray, points: int = 21) -> list[tuple[float, float]]:
    """(coverage, error among those answered) when the least sure are left unanswered; coverage from 1 downwards."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    wrong = (probabilities.argmax(axis=1) != truth)[order]
    errors = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    curve = []
    for coverage in np.linspace(1.0, 0.05, points):
        count = max(1, round(coverage * len(wrong)))
        curve.append((count / len(wrong), float(errors[count - 1])))
    return curve


def bootstrap(
    measure: Callable[[FloatArray, IntArray], float],
    probabilities: FloatArray,
    truth: IntArray,
    *,
    groups: IntArray | None = None,
    rounds: int = 400,
    seed: int = 0,
) -> Interval:
    """A metric's percentile bootstrap. With `groups` whole groups (speakers) are drawn: their moments are not
    independent."""
    rng = np.random.default_rng(seed)
    values = np.empty(rounds)
    members = None if groups is None else [np.flatnonzero(groups == g) for g in np.unique(groups)]
    for index in range(rounds):
        if members is None:
            rows = rng.integers(0, len(truth), len(truth))
        else:
            rows = np.concatenate([members[g] for g in rng.integers(0, len(members), len(members))])
        values[index] = measure(probabilities[rows], truth[rows])
    low, high = np.percentile(values, (2.5, 97.5))
    return Interval(measure(probabilities, truth), float(low), float(high))


def summary(probabilities: FloatArray, truth: IntArray, groups: IntArray | None = None) -> dict[str, Any]:
    """Everything, as plain values."""
    table = confusion(probabilities, truth)
    rows = per_class(table)

    def macro_f1(p: FloatArray, t: IntArray) -> float:
        scored = [row["f1"] for row in per_class(confusion(p, t)) if row["count"]]
        return float(np.mean(scored)) if scored else 0.0

    def interval(measure: Callable[[FloatArray, IntArray], float]) -> dict[str, float]:
        found = bootstrap(measure, probabilities, truth, groups=groups)
        return {"value": found.value, "low": found.low, "high": found.high}

    return {
        "count": len(truth),
        "accuracy": interval(accuracy),
        "macro_f1": interval(macro_f1),
        "calibration_error": interval(calibration_error),
        "per_class": rows,
        "confusion": table.tolist(),
        "reliability": reliability(probabilities, truth),
        "risk_coverage": risk_coverage(probabilities, truth),
    }
