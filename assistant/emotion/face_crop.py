"""A face as the expression network wants it: upright, tightly cropped, gray; and whether it can be read at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from assistant.events import Face, ImageArray

GrayCrop = npt.NDArray[np.float32]
"""Shape (64, 64), [0, 1]."""

_SIZE = 64
# The weights that the network was trained with (ITU-R BT.601 luma).
_GRAY = np.array([0.2989, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Quality:
    """What a crop is worth. Each value is measured on the pixels that the network sees."""

    size_px: float
    """Longer side of the face in the picture."""
    sharpness: float
    """Variance of the Laplacian over that of the brightness: about 0.4 for a sharp face, 0.02 for one in a blur."""
    brightness: float
    """Mean, 0 to 1."""
    contrast: float
    """Standard deviation of the brightness, 0 to 1."""
    turned: float
    """How far the nose is from the middle between the eyes, in eye distances: 0 from the front, about 0.5 at 45°."""

    def worth(self) -> float:
        """0 (do not look) to 1."""
        return (
            _ramp(self.size_px, 24.0, 64.0)
            * _ramp(self.sharpness, 0.015, 0.06)
            * _ramp(self.brightness, 0.05, 0.2)
            * _ramp(1.0 - self.brightness, 0.03, 0.12)
            * _ramp(self.contrast, 0.02, 0.09)
            * (1.0 - _ramp(self.turned, 0.25, 0.7))
        )


def views(pixels: ImageArray, face: Face) -> npt.NDArray[np.float32]:
    """The face four times, shape (4, 64, 64): as it is, mirrored, cropped a tenth closer and a tenth wider.

    An expression survives such small changes; where the network's answer does not, it was guessing. Raises
    `ValueError` when the box has no area in the picture.
    """
    height, width = pixels.shape[:2]
    side = _side_px(pixels, face)
    if not (math.isfinite(side) and side >= 1.0):
        raise ValueError(f"The face's box {face.box} has no area in a picture of {width}x{height}.")
    region, from_region = _surroundings(pixels, face, side)
    angle = _roll(pixels, face)
    plain, closer, wider = (
        _crop(region, _upright(pixels, face, scale * side, angle) @ from_region) for scale in (1.0, 0.9, 1.1)
    )
    return np.stack([plain, plain[:, ::-1], closer, wider])


def quality(pixels: ImageArray, face: Face, crop: GrayCrop) -> Quality:
    """Judge the plain view of a face."""
    variance = float(crop.var())
    laplacian = float(cv2.Laplacian(crop, cv2.CV_32F).var())
    return Quality(
        size_px=_side_px(pixels, face),
        sharpness=laplacian / max(variance, 1e-6),
        brightness=float(crop.mean()),
        contrast=math.sqrt(variance),
        turned=_turned(pixels, face),
    )


def _side_px(pixels: ImageArray, face: Face) -> float:
    height, width = pixels.shape[:2]
    return float(max((face.box.x1 - face.box.x0) * width, (face.box.y1 - face.box.y0) * height))


def _surroundings(pixels: ImageArray, face: Face, side_px: float) -> tuple[GrayCrop, npt.NDArray[np.float64]]:
    """The face and half its size around it, gray, and the 3 x 3 matrix from its coordinates to the picture's.

    Scaled down by area to at most twice the crop's resolution: a bilinear warp skips pixels when it shrinks by more
    than two, which the network sees as noise.
    """
    height, width = pixels.shape[:2]
    margin = 0.5 * side_px
    left = int(np.clip(face.box.x0 * width - margin, 0, width - 1))
    top = int(np.clip(face.box.y0 * height - margin, 0, height - 1))
    right = int(np.clip(face.box.x1 * width + margin, left + 1, width))
    bottom = int(np.clip(face.box.y1 * height + margin, top + 1, height))
    region: npt.NDArray[Any] = pixels[top:bottom, left:right]
    factor = min(1.0, 2.0 * _SIZE / side_px)
    if factor < 1.0:
        small_size = (max(1, round((right - left) * factor)), max(1, round((bottom - top) * factor)))
        region = cv2.resize(region, small_size, interpolation=cv2.INTER_AREA)
    scale_x, scale_y = (right - left) / region.shape[1], (bottom - top) / region.shape[0]
    from_region = np.array([[scale_x, 0.0, left], [0.0, scale_y, top], [0.0, 0.0, 1.0]])
    gray: GrayCrop = region.astype(np.float32) @ (_GRAY / np.float32(255.0))
    return gray, from_region


def _upright(pixels: ImageArray, face: Face, side_px: float, angle: float) -> npt.NDArray[np.float64]:
    """2 x 3 matrix from the picture to a crop of `side_px` around the box, turned so that the eyes are level."""
    height, width = pixels.shape[:2]
    centre_x, centre_y = face.box.center[0] * width, face.box.center[1] * height
    cos, sin = _SIZE / side_px * math.cos(angle), _SIZE / side_px * math.sin(angle)
    middle = (_SIZE - 1) / 2
    return np.array(
        [
            [cos, sin, middle - cos * centre_x - sin * centre_y],
            [-sin, cos, middle + sin * centre_x - cos * centre_y],
        ]
    )


def _crop(region: GrayCrop, to_crop: npt.NDArray[np.float64]) -> GrayCrop:
    """Warp; edges are repeated beyond the picture."""
    size = (_SIZE, _SIZE)
    crop = cv2.warpAffine(region, to_crop, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return crop.astype(np.float32, copy=False)


def _points_px(pixels: ImageArray, face: Face) -> npt.NDArray[np.float64]:
    height, width = pixels.shape[:2]
    return np.array(face.keypoints) * (width, height)


def _roll(pixels: ImageArray, face: Face) -> float:
    """Angle of the line between the eyes in radians; 0 without keypoints, or when it is too steep to be true."""
    if len(face.keypoints) < 2:
        return 0.0
    right_eye, left_eye = _points_px(pixels, face)[:2]
    angle = math.atan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0])
    return angle if abs(angle) < math.radians(60.0) else 0.0


def _turned(pixels: ImageArray, face: Face) -> float:
    if len(face.keypoints) < 3:
        return 0.0
    right_eye, left_eye, nose = _points_px(pixels, face)[:3]
    between = left_eye - right_eye
    distance = float(np.hypot(*between))
    if distance < 1.0:
        return 1.0
    return abs(float((nose - (right_eye + left_eye) / 2) @ between)) / distance**2


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high`, straight between."""
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
