"""Whether anything moved: a small gray picture against the one that was last looked at."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from assistant.events import ImageArray

_WIDTH_PX, _HEIGHT_PX = 64, 48
_LEAST_CHANGE = 15
"""Of 255, in a cell; the average of hundreds of pixels hides a camera's noise."""
_LEAST_SHARE = 0.01
"""Share of the cells that must change: a hand at the other end of a room."""


class MotionGate:
    """Remembers the picture that was last looked at, so that slow movement adds up."""

    def __init__(self) -> None:
        self._reference: npt.NDArray[np.int16] | None = None

    def moved(self, pixels: ImageArray) -> bool:
        """Whether a picture differs from the reference; True when there is none."""
        if self._reference is None:
            return True
        changed = np.abs(_small(pixels) - self._reference) >= _LEAST_CHANGE
        return bool(changed.mean() >= _LEAST_SHARE)

    def look(self, pixels: ImageArray) -> None:
        """Make this picture the reference."""
        self._reference = _small(pixels)


def _small(pixels: ImageArray) -> npt.NDArray[np.int16]:
    small = cv2.resize(pixels, (_WIDTH_PX, _HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.int16)
