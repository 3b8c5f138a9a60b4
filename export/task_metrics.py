"""Task metrics: whether two networks give the same answer, whatever their numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from export.recipe import Array, Outputs

_MIN_OVERLAP = 0.5
"""Intersection over union from which two boxes are the same, as in COCO's AP50."""

Boxes = tuple[Array, Array, Array]
"""(n, 4) x0, y0, x1, y1; (n,) scores; (n,) classes."""


def top_1_agreement(output: str) -> Callable[[Outputs, Outputs], float]:
    """The share of rows whose highest class is the same."""

    def measure(reference: Outputs, variant: Outputs) -> float:
        best = reference[output].argmax(axis=-1) == variant[output].argmax(axis=-1)
        return float(np.mean(best))

    return measure


def decision_agreement(output: str, threshold: float, unsure: float) -> Callable[[Outputs, Outputs], float]:
    """The share of probabilities on the same side of `threshold`; those of the reference within `unsure` of it agree
    with anything."""

    def measure(reference: Outputs, variant: Outputs) -> float:
        expected, got = reference[output].astype(np.float64), variant[output].astype(np.float64)
        same = (expected >= threshold) == (got >= threshold)
        return float(np.mean(same | ((np.abs(expected - threshold) < unsure) & np.isfinite(got))))

    return measure


def box_agreement(reference: Boxes, variant: Boxes, *, sure: float, possible: float) -> float:
    """The share of sure boxes of either side that the other side confirms: same class, overlap of at least 0.5, and a
    score of at least `possible`. 1 if there are none on either side."""
    counted = confirmed = 0
    for mine, other in ((reference, variant), (variant, reference)):
        boxes, scores, classes = _above(mine, sure)
        others = _above(other, possible)
        counted += len(scores)
        confirmed += sum(_is_among(box, label, others) for box, label in zip(boxes, classes, strict=True))
    return confirmed / counted if counted else 1.0


def _above(boxes: Boxes, score: float) -> Boxes:
    corners, scores, classes = boxes
    wanted = scores >= score
    return corners[wanted], scores[wanted], classes[wanted]


def _is_among(box: Array, label: object, others: Boxes) -> bool:
    corners, _, classes = others
    same = corners[classes == label]
    shared = np.clip(np.minimum(same[:, 2:], box[2:]) - np.maximum(same[:, :2], box[:2]), 0, None).prod(axis=1)
    areas = np.clip(same[:, 2:] - same[:, :2], 0, None).prod(axis=1) + np.clip(box[2:] - box[:2], 0, None).prod()
    return bool((shared >= _MIN_OVERLAP * (areas - shared)).any())
