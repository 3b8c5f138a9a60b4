"""A constant-velocity Kalman filter for one box, at whatever intervals it is seen.

The four numbers of a box (centre x, centre y, width, height) are filtered independently, each with its velocity; noise
grows with the box's size. This is the motion model of SORT (https://arxiv.org/abs/1602.00763) and ByteTrack
(https://arxiv.org/abs/2110.06864), with seconds in the place of frames.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.events import Box
from assistant.vision.preprocess import to_box

Vector = npt.NDArray[np.floating[Any]]
"""Shape (4,): centre x, centre y, width, height."""

_MEASURED = 0.06
"""Standard deviation of a detected edge, in sizes of the box."""
_FIRST_SPEED = 0.6
"""Standard deviation of the speed of what has just been found, in sizes a second."""
_ACCELERATION = np.array([1.2, 1.2, 0.3, 0.3])
"""How fast speeds change, in sizes a second to the power of 3/2; things move sooner than they grow."""
_SPEED_KEPT_S = 1.0
"""What is not seen slows down with this time constant, so that it does not fly away behind a pillar."""


class BoxFilter:
    """Where one box is and how fast it goes."""

    def __init__(self, box: Box) -> None:
        self._at = _numbers(box)
        self._speed: Vector = np.zeros(4)
        scale = self._scale()
        self._var = (_MEASURED * scale) ** 2
        self._cov: Vector = np.zeros(4)
        self._speed_var = (_FIRST_SPEED * scale) ** 2

    @property
    def box(self) -> Box:
        """The estimate, cut to the picture."""
        x, y, width, height = self._at
        return to_box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    def predict(self, elapsed_s: float) -> None:
        """Go on for `elapsed_s` without seeing."""
        if elapsed_s <= 0.0:
            return
        noise = (_ACCELERATION * self._scale()) ** 2
        kept = math.exp(-elapsed_s / _SPEED_KEPT_S)
        self._at = self._at + self._speed * _SPEED_KEPT_S * (1.0 - kept)
        self._at[2:] = np.maximum(self._at[2:], 1e-4)
        self._speed = self._speed * kept
        self._var = self._var + elapsed_s * (2 * self._cov + elapsed_s * self._speed_var) + noise * elapsed_s**3 / 3
        self._cov = self._cov + elapsed_s * self._speed_var + noise * elapsed_s**2 / 2
        self._speed_var = self._speed_var + noise * elapsed_s

    def update(self, box: Box) -> None:
        """Take what was seen now."""
        gap = _numbers(box) - self._at
        total = self._var + (_MEASURED * self._scale()) ** 2
        gain, speed_gain = self._var / total, self._cov / total
        self._at = self._at + gain * gap
        self._speed = self._speed + speed_gain * gap
        self._speed_var = self._speed_var - speed_gain * self._cov
        self._var, self._cov = (1 - gain) * self._var, (1 - gain) * self._cov

    def _scale(self) -> Vector:
        """Width and height, each for its own direction."""
        return np.asarray(np.maximum(self._at[[2, 3, 2, 3]], 1e-3))


def _numbers(box: Box) -> Vector:
    return np.array([*box.center, box.x1 - box.x0, box.y1 - box.y0])
