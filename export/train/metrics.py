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


def coverage(moments: int, points: int = 21) -> FloatArray:
    """The shares of moments that are answered, from all of them down to a twentieth, (points,)."""
    return _answered(moments, points) / moments


def risks(sure: FloatArray, right: npt.NDArray[np.bool_], points: int = 21) -> FloatArray:
    """The error among those answered at each `coverage`, when the least sure are left unanswered, (points,)."""
    wrong = ~right[np.argsort(-sure, kind="stable")]
    errors: FloatArray = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    return errors[_answered(len(wrong), points) - 1]


def _answered(moments: int, points: int) -> IntArray:
    return np.maximum(1, np.round(np.linspace(1.0, 0.05, points) * moments)).astype(np.int64)


def bootstrap(
    measure: Callable[..., float],
    *columns: npt.NDArray[Any],
    groups: IntArray | None = None,
    rounds: int = 0,
    seed: int = 0,
) -> Interval:
    """A metric's percentile bootstrap; see `bootstrap_all`."""
    value, low, high = bootstrap_all(measure, *columns, groups=groups, rounds=rounds, seed=seed)
    return Interval(float(value), float(low), float(high))


def bootstrap_all(
    measure: Callable[..., npt.ArrayLike],
    *columns: npt.NDArray[Any],
    groups: IntArray | None = None,
    rounds: int = 0,
    seed: int = 0,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(value, low, high) of metrics by the percentile bootstrap, each of the shape that `measure` gives. `measure`
    takes `columns`, arrays with a row a moment. With `groups` whole groups (speakers) are drawn: their moments are not
    independent. `rounds` 0 takes fewer the more moments there are, from 1000 down to 100."""
    rng = np.random.default_rng(seed)
    n = len(columns[0])
    value = np.asarray(measure(*columns), np.float64)
    values = np.empty((rounds or int(np.clip(4_000_000 // n, 100, 1000)), *value.shape))
    members = None if groups is None else [np.flatnonzero(groups == g) for g in np.unique(groups)]
    for index in range(len(values)):
        if members is None:
            rows = rng.integers(0, n, n)
        else:
            rows = np.concatenate([members[g] for g in rng.integers(0, len(members), len(members))])
        values[index] = measure(*(column[rows] for column in columns))
    low, high = np.percentile(values, (2.5, 97.5), axis=0)
    return value, low, high


_OF_A_CLASS = ("precision", "recall", "f1")


def summary(probabilities: FloatArray, truth: IntArray, groups: IntArray | None = None) -> dict[str, Any]:
    """Everything, as plain values: a metric is {"value", "low", "high"}, of numbers or of nested lists of them.
    "per_class" has a row of precision, recall and F1 a class, "confusion_share" a row of shares a true class, "risk"
    the error among those answered at each "coverage"."""
    classes = probabilities.shape[1]
    said, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = said == truth

    pairs = truth * classes + said

    def counted(pairs: IntArray) -> IntArray:
        return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)

    def macro_f1(pairs: IntArray) -> float:
        return float(np.mean([row["f1"] for row in per_class(counted(pairs)) if row["count"]]))

    def each_class(pairs: IntArray) -> list[list[float]]:
        return [[row[key] for key in _OF_A_CLASS] for row in per_class(counted(pairs))]

    def shares(pairs: IntArray) -> FloatArray:
        table = counted(pairs)
        share: FloatArray = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        return share

    def interval(measure: Callable[..., float], *columns: npt.NDArray[Any]) -> dict[str, float]:
        found = bootstrap(measure, *columns, groups=groups)
        return {"value": found.value, "low": found.low, "high": found.high}

    def intervals(measure: Callable[..., npt.ArrayLike], *columns: npt.NDArray[Any]) -> dict[str, Any]:
        parts = zip(("value", "low", "high"), bootstrap_all(measure, *columns, groups=groups), strict=True)
        return {name: part.tolist() for name, part in parts}

    return {
        "count": len(truth),
        "accuracy": interval(np.mean, right),
        "macro_f1": interval(macro_f1, pairs),
        "calibration_error": interval(_calibration_error, sure, right),
        "per_class": intervals(each_class, pairs),
        "per_class_count": counted(pairs).sum(axis=1).tolist(),
        "confusion": counted(pairs).tolist(),
        "confusion_share": intervals(shares, pairs),
        "reliability": reliability(probabilities, truth),
        "coverage": coverage(len(truth)).tolist(),
        "risk": intervals(risks, sure, right),
    }
