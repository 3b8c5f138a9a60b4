"""What a face looks like, as numbers of which two are alike when the face is the same (model `faceres`).

The network also guesses age and gender; these outputs are not computed. Its source is HSE_FaceRec
(https://github.com/HSE-asavchenko/HSE_FaceRec_tf), trained on VGGFace2 with Caffe's channel order and means. On the
sample pictures that input tells faces apart better than the plain RGB that its converted form is usually given.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from assistant.config import Config
from assistant.events import Face, ImageArray
from assistant.inference.engines import ENGINES
from assistant.people.matching import Descriptor
from assistant.ports import InferenceSession

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

_OUTPUT = "global_pooling/Mean"
_SIDE_PX = 224
_SCALE = 1.4
"""Of the face's box. Measured at 1.0 to 1.6: from 1.4 on the worst pair of one face is no better."""
_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)


class FaceDescriber:
    """Owns the network. Not for two threads at once."""

    def __init__(self, network: InferenceSession) -> None:
        """`network` takes (N, 224, 224, 3) and gives `global_pooling/Mean`, (N, 1024)."""
        self._network = network
        self._input = network.inputs[0].name

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> FaceDescriber:
        """Raises `ModelMissingError` when `faceres` has not been pulled."""
        path = models.file("faceres", "faceres.onnx")
        threads = config.vision.threads
        return cls(ENGINES.open(config.inference, "face-descriptor", path, threads=threads, outputs=(_OUTPUT,)))

    def describe(self, pixels: ImageArray, face: Face) -> Descriptor:
        """The mean of a face and its mirror image. Blocking. Raises `ValueError` when the box has no area."""
        crop = _aligned(pixels, face).astype(np.float32)[..., ::-1] - _MEAN_BGR
        feeds = np.ascontiguousarray(np.stack([crop, crop[:, ::-1]]))
        found = self._network.run({self._input: feeds})[_OUTPUT].astype(np.float64)
        mean = (found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def _aligned(pixels: ImageArray, face: Face) -> ImageArray:
    """A square around the face with level eyes, uint8 (224, 224, 3); the picture's edge is repeated beyond it."""
    height, width = pixels.shape[:2]
    side = _SCALE * max((face.box.x1 - face.box.x0) * width, (face.box.y1 - face.box.y0) * height)
    if not (math.isfinite(side) and side >= 1.0):
        raise ValueError(f"The face's box {face.box} has no area in a picture of {width}x{height}.")
    scale = _SIDE_PX / side
    if scale < 0.5:  # a bilinear warp skips pixels when it shrinks by more than two
        size = max(1, round(width * 2 * scale)), max(1, round(height * 2 * scale))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        height, width = pixels.shape[:2]
        scale = 0.5
    center_x, center_y = face.box.center[0] * width, face.box.center[1] * height
    angle = _roll(face, width, height)
    cos, sin, middle = scale * math.cos(angle), scale * math.sin(angle), (_SIDE_PX - 1) / 2
    matrix = np.array(
        [
            [cos, sin, middle - cos * center_x - sin * center_y],
            [-sin, cos, middle + sin * center_x - cos * center_y],
        ]
    )
    size = (_SIDE_PX, _SIDE_PX)
    crop = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)


def _roll(face: Face, width: int, height: int) -> float:
    """Angle of the line between the eyes in radians; 0 without keypoints, or when it is too steep to be true."""
    if len(face.keypoints) < 2:
        return 0.0
    (right_x, right_y), (left_x, left_y) = face.keypoints[:2]
    angle = math.atan2((left_y - right_y) * height, (left_x - right_x) * width)
    return angle if abs(angle) < math.radians(60.0) else 0.0
