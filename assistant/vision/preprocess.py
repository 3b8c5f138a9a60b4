"""What every vision network shares: fitting a picture to its input, and thinning out overlapping boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from assistant.events import Box, ImageArray

FloatArray = npt.NDArray[np.floating[Any]]
_MOST_SIDE_PX = 1280
"""The largest input is 512 px, and faces are cropped from what is left."""


def resize(pixels: ImageArray, width_px: int, height_px: int) -> ImageArray:
    """Stretch a picture to a size; shrinking averages, so that fine detail does not turn into noise."""
    shrinks = width_px < pixels.shape[1] or height_px < pixels.shape[0]
    resized = cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8).reshape(height_px, width_px, 3)


def moderate(pixels: ImageArray) -> ImageArray:
    """A picture as large as any network needs it, shrunk once instead of once a network."""
    height, width = pixels.shape[:2]
    scale = _MOST_SIDE_PX / max(height, width)
    if scale >= 1.0:
        return pixels
    return resize(pixels, max(1, round(width * scale)), max(1, round(height * scale)))


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A picture centred in a square, black beside it."""

    pixels: ImageArray
    """uint8, (side, side, 3)."""
    left_px: int
    top_px: int
    width_px: int
    height_px: int

    def to_fractions(self, points_px: FloatArray) -> FloatArray:
        """(…, 2) x, y in pixels of the square as fractions of the picture; outside 0 to 1 beside it."""
        offset = np.array([self.left_px, self.top_px])
        return np.asarray((points_px - offset) / np.array([self.width_px, self.height_px]))


def letterbox(pixels: ImageArray, side_px: int) -> Letterbox:
    """Fit a picture into a square without changing its proportions."""
    height, width = pixels.shape[:2]
    scale = side_px / max(height, width)
    fitted_width, fitted_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (side_px - fitted_width) // 2, (side_px - fitted_height) // 2
    square = np.zeros((side_px, side_px, 3), np.uint8)
    square[top : top + fitted_height, left : left + fitted_width] = resize(pixels, fitted_width, fitted_height)
    return Letterbox(square, left, top, fitted_width, fitted_height)


def square_crop(pixels: ImageArray, box: Box, side_px: int, *, scale: float) -> ImageArray:
    """A square around a box's centre, `scale` times its longer side, as uint8 (side, side, 3).

    Where it reaches beyond the picture, the picture's edge is repeated. Only what lies inside is ever resized, so a
    large or long picture needs no more memory than the result.
    """
    height, width = pixels.shape[:2]
    center_x, center_y = box.center[0] * width, box.center[1] * height
    side = max(1.0, (box.x1 - box.x0) * width, (box.y1 - box.y0) * height) * scale
    left, top = center_x - side / 2, center_y - side / 2
    x0, x1 = _inside(left, left + side, width)
    y0, y1 = _inside(top, top + side, height)
    to_crop = side_px / side
    left_margin = min(side_px - 1, max(0, round((x0 - left) * to_crop)))
    top_margin = min(side_px - 1, max(0, round((y0 - top) * to_crop)))
    inner_width = min(side_px - left_margin, max(1, round((x1 - x0) * to_crop)))
    inner_height = min(side_px - top_margin, max(1, round((y1 - y0) * to_crop)))
    inner = resize(np.ascontiguousarray(pixels[y0:y1, x0:x1]), inner_width, inner_height)
    right_margin, bottom_margin = side_px - left_margin - inner_width, side_px - top_margin - inner_height
    margins = ((top_margin, bottom_margin), (left_margin, right_margin), (0, 0))
    return np.pad(inner, margins, mode="edge")


def _inside(low: float, high: float, size: int) -> tuple[int, int]:
    """Whole pixels of [low, high] that exist; at least one."""
    first = min(size - 1, max(0, round(low)))
    return first, max(first + 1, min(size, round(high)))


def non_maximum_suppression(boxes: FloatArray, scores: FloatArray, *, max_overlap: float) -> list[int]:
    """Indices of the boxes to keep, best first: those that overlap a better one by more than `max_overlap` go.

    `boxes` is (n, 4) x0, y0, x1, y1; overlap is intersection over union.
    """
    order = np.argsort(-scores, kind="stable")
    areas = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        corner = np.maximum(boxes[best, :2], boxes[rest, :2])
        shared = np.clip(np.minimum(boxes[best, 2:], boxes[rest, 2:]) - corner, 0, None).prod(axis=1)
        union = areas[best] + areas[rest] - shared
        order = rest[shared <= max_overlap * union]
    return kept


def to_box(x0: float, y0: float, x1: float, y1: float) -> Box:
    """A `Box` of these fractions, cut to the picture."""
    return Box(*(min(1.0, max(0.0, float(value))) for value in (x0, y0, x1, y1)))
