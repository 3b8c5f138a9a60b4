"""Whether anything moved, by small gray pictures: what decides when the networks look, and what is sudden."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from assistant.events import ImageArray

_WIDTH_PX, _HEIGHT_PX = 64, 48
_LEAST_CHANGE = 15
"""Of 255, in a cell; the average of hundreds of pixels hides a camera's noise."""
_LEAST_SHARE = 0.01
"""Share of the cells that must change: a hand at the other end of a room."""
_CUT_SHARE = 0.7
_SAME_LIKENESS, _CUT_LIKENESS = 0.8, 0.5
"""Correlation with the picture before from which it shows the same, and below which it shows something else."""
_RELIT = 10.0
"""Change of the mean, of 255, that another light makes."""

Small = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Motion:
    """What changed from one picture to the next."""

    share: float
    """Share of the picture, 0 to 1."""
    brightness: float
    """Mean of the picture, 0 to 1."""
    relit: bool
    """Whether it shows the same in another light."""
    cut: bool
    """Whether it shows another scene: the camera was turned, or a film was cut."""


class MotionGate:
    """Remembers the picture that was last looked at, so that slow movement adds up, and the one before."""

    def __init__(self) -> None:
        self._reference: Small | None = None
        self._before: Small | None = None

    def moved(self, pixels: ImageArray) -> bool:
        """Whether a picture differs from the reference; True when there is none."""
        return self._reference is None or _changed(_small(pixels), self._reference) >= _LEAST_SHARE

    def look(self, pixels: ImageArray) -> Motion:
        """Make this picture the reference; returns how it differs from the one before."""
        small, before = _small(pixels), self._before
        self._reference = self._before = small
        if before is None:
            return Motion(0.0, float(small.mean()) / 255, relit=False, cut=False)
        share, likeness = _changed(small, before), _likeness(small, before)
        relit = likeness >= _SAME_LIKENESS and abs(float(small.mean() - before.mean())) >= _RELIT
        cut = share >= _CUT_SHARE and likeness < _CUT_LIKENESS
        return Motion(share, float(small.mean()) / 255, relit, cut)


def _changed(one: Small, other: Small) -> float:
    return float((np.abs(one - other) >= _LEAST_CHANGE).mean())


def _likeness(one: Small, other: Small) -> float:
    """Correlation, -1 to 1; 1 where a picture is flat, which says nothing about what it shows."""
    a, b = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((a * a).mean() * (b * b).mean()))
    return 1.0 if norm < 1.0 else float((a * b).mean()) / norm


def _small(pixels: ImageArray) -> Small:
    small = cv2.resize(pixels, (_WIDTH_PX, _HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.int16)
