"""The colour of a thing, in words, from its pixels.

A vote in HSV: every pixel of the middle of the box names a colour, and the thing has one if enough agree. In the dark
and in a colour cast no colour can be told, and none is.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from assistant.events import Box, ImageArray
from assistant.vision.preprocess import resize

COLORS: dict[str, str] = {
    "red": "红色",
    "orange": "橙色",
    "yellow": "黄色",
    "green": "绿色",
    "blue": "蓝色",
    "purple": "紫色",
    "pink": "粉色",
    "brown": "棕色",
    "black": "黑色",
    "gray": "灰色",
    "white": "白色",
}
"""English → Chinese; the names that every language has (Berlin and Kay 1969)."""

_SIDE_PX = 32
_MIDDLE = 0.6
"""Share of the box's sides that is looked at: its edges show what is behind."""
_LEAST_SHARE = 0.45
_LEAST_LIGHT = 28
"""Mean of the picture, of 255, below which black and dark cannot be told apart."""
_LEAST_PIXELS = 12
_GRAY_SATURATION, _DARK, _BRIGHT = 45, 50, 200
"""Of 255. Below the first a pixel has no hue; below the second it is black, above the third white."""
_HUES = (("red", 8), ("orange", 20), ("yellow", 34), ("green", 85), ("blue", 128), ("purple", 148), ("pink", 168))
"""Upper bounds of OpenCV's hue, 0 to 180; beyond the last it is red again."""
_BROWN_BELOW = 150
"""A dark orange is brown."""
_PINK_SATURATION = 120
"""A bright, pale red is pink."""


def color_of(pixels: ImageArray, box: Box) -> str:
    """One of `COLORS`, or "" when the thing is too dark, too small or of many colours."""
    part = _middle(pixels, box)
    if part is None or np.mean(pixels[::8, ::8]) < _LEAST_LIGHT:
        return ""
    hsv = cv2.cvtColor(resize(part, _SIDE_PX, _SIDE_PX), cv2.COLOR_RGB2HSV).reshape(-1, 3).astype(np.int32)
    names, counts = np.unique(_names(hsv), return_counts=True)
    best = int(counts.argmax())
    return str(names[best]) if counts[best] >= _LEAST_SHARE * len(hsv) else ""


def _middle(pixels: ImageArray, box: Box) -> ImageArray | None:
    height, width = pixels.shape[:2]
    (x, y), half = box.center, _MIDDLE / 2
    x0, x1 = round((x - half * (box.x1 - box.x0)) * width), round((x + half * (box.x1 - box.x0)) * width)
    y0, y1 = round((y - half * (box.y1 - box.y0)) * height), round((y + half * (box.y1 - box.y0)) * height)
    part = pixels[max(0, y0) : y1, max(0, x0) : x1]
    return np.ascontiguousarray(part) if part.size >= 3 * _LEAST_PIXELS else None


def _names(hsv: npt.NDArray[np.int32]) -> npt.NDArray[Any]:
    """(n,) the name of every pixel."""
    hue, saturation, value = hsv.T
    bounds, names = [bound for _, bound in _HUES], np.array([*(name for name, _ in _HUES), "red"], dtype="<U6")
    named = names[np.searchsorted(bounds, hue, side="right")]
    warm = np.isin(named, ("orange", "red", "yellow"))
    named = np.where((named == "orange") & (value < _BROWN_BELOW), "brown", named)
    named = np.where((named == "red") & (value > _BRIGHT) & (saturation < _PINK_SATURATION), "pink", named)
    dull = (saturation < _GRAY_SATURATION) | (warm & (saturation < 60) & (value > _BRIGHT))
    named = np.where(dull, np.where(value > _BRIGHT, "white", "gray"), named)
    return np.asarray(np.where(value < _DARK, "black", named))
