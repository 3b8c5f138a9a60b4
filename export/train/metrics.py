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
    return _calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)


def reliability(probabilities: FloatArray, truth: IntArray) -> list[tuple[float, float, float]]:
    """(share of moments, mean confidence, accuracy) of each bin that is not empty."""
    counts, sure, right = _binned(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)
    return [
        (float(n / len(truth)), float(s / n), float(r / n)) for n, s, r in zip(counts, sure, right, strict=True) if n
    ]


def _binned(sure: FloatArray, right: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Count, summed confidence and number right of each bin."""
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    weights = (np.ones(len(sure)), sure, right.astype(np.float64))
    counts, confidence, hits = (np.bincount(bins, weight, _BINS).astype(np.float64) for weight in weights)
    return counts, confidence, hits


def _calibration_error(sure: FloatArray, right: npt.NDArray[np.bool_]) -> float:
    _, confidence, hits = _binned(sure, right)
    return float(np.abs(confidence - hits).sum() / len(sure))


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
    measure: Callable[..., float],
    *columns: npt.NDArray[Any],
    groups: IntArray | None = None,
    rounds: int = 0,
    seed: int = 0,
) -> Interval:
    """A metric's percentile bootstrap; `measure` takes `columns`, arrays with a row a moment. With `groups` whole
    groups (speakers) are drawn: their moments are not independent. `rounds` 0 takes fewer the more moments there are,
    from 1000 down to 100."""
    rng = np.random.default_rng(seed)
    n = len(columns[0])
    values = np.empty(rounds or int(np.clip(4_000_000 // n, 100, 1000)))
    members = None if groups is None else [np.flatnonzero(groups == g) for g in np.unique(groups)]
    for index in range(len(values)):
        if members is None:
            rows = rng.integers(0, n, n)
        else:
            rows = np.concatenate([members[g] for g in rng.integers(0, len(members), len(members))])
        values[index] = measure(*(column[rows] for column in columns))
    low, high = np.percentile(values, (2.5, 97.5))
    return Interval(measure(*columns), float(low), float(high))


def summary(probabilities: FloatArray, truth: IntArray, groups: IntArray | None = None) -> dict[str, Any]:
    """Everything, as plain values."""
    classes = probabilities.shape[1]
    said, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = said == truth

    def macro_f1(pairs: IntArray) -> float:
        table = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
        return float(np.mean([row["f1"] for row in per_class(table) if row["count"]]))

    def interval(measure: Callable[..., float], *columns: npt.NDArray[Any]) -> dict[str, float]:
        found = bootstrap(measure, *columns, groups=groups)
        return {"value": found.value, "low": found.low, "high": found.high}

    table = confusion(probabilities, truth)
    return {
        "count": len(truth),
        "accuracy": interval(np.mean, right),
        "macro_f1": interval(macro_f1, truth * classes + said),
        "calibration_error": interval(_calibration_error, sure, right),
        "per_class": per_class(table),
        "confusion": table.tolist(),
        "reliability": reliability(probabilities, truth),
        "risk_coverage": risk_coverage(probabilities, truth),
    }
