"""Where each fusion stands between the best single channel and Bayes, for every set of channels that may be there."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assistant.ports import EmotionFusionHead
from export.train.generator import FloatArray, Moments
from export.train.metrics import accuracy, bootstrap, calibration_error

_CHUNK = 8192


@dataclass(frozen=True, slots=True)
class Standing:
    """One fusion under one set of channels."""

    fusion: str
    channels: str
    """Joined by "+"; "any" for all moments together."""
    count: int
    single: float
    """Accuracy of the best single channel that is there, taken at its word."""
    fused: float
    low: float
    high: float
    """95 % bootstrap interval of `fused`."""
    bayes: float
    """Accuracy of the exact posterior on the same moments."""
    calibration_error: float

    @property
    def way(self) -> float:
        """0 at the best single channel, 1 at Bayes. Where both are the same, whether that is reached."""
        gap = self.bayes - self.single
        return (self.fused - self.single) / gap if abs(gap) > 1e-9 else float(self.fused >= self.single)


def standings(
    moments: Moments, bayes: FloatArray, answers: Mapping[str, FloatArray], channels: tuple[str, ...]
) -> list[Standing]:
    """Of every fusion, for every pattern that occurs; `answers` holds probabilities, shape (n, 7)."""
    found = []
    for pattern in itertools.product((True, False), repeat=len(channels)):
        rows = (moments.evidence.present == np.array(pattern)).all(axis=1)
        if not rows.any():
            continue
        there = [c for c, on in enumerate(pattern) if on]
        truth = moments.truth[rows]
        single = max(accuracy(moments.evidence.probabilities[rows][:, c], truth) for c in there)
        name = "+".join(channels[c] for c in there)
        best = accuracy(bayes[rows], truth)
        for fusion, probabilities in answers.items():
            interval = bootstrap(np.mean, probabilities[rows].argmax(axis=1) == truth)
            error = calibration_error(probabilities[rows], truth)
            found.append(
                Standing(fusion, name, len(truth), single, interval.value, interval.low, interval.high, best, error)
            )
    return found


def answers_of(head: EmotionFusionHead, moments: Moments) -> FloatArray:
    """What a fusion makes of every moment, shape (n, 7)."""
    evidence = moments.evidence
    parts = []
    for start in range(0, len(moments.truth), _CHUNK):
        rows = slice(start, start + _CHUNK)
        part = type(evidence)(
            evidence.probabilities[rows], evidence.confidence[rows], evidence.half_lives[rows], evidence.present[rows]
        )
        parts.append(head.pool(part).probabilities)
    return np.concatenate(parts)
