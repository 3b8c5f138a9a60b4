"""How a person stands, by MoveNet (model `movenet`): seventeen points of the body, and what they tell.

The network knows one person a picture, so it is shown one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from assistant.config import Config
from assistant.events import Box, VideoFrame
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.ports import InferenceSession
from assistant.vision.preprocess import square_crop

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

Pose = npt.NDArray[np.floating[Any]]
"""(17, 3): x and y in pixels of a square around the person, y down, and a score of 0 to 1."""

_SIDE_PX = 192
_CROP_SCALE = 1.2
_LEAST_SCORE = 0.3
_NOSE, _SHOULDERS, _ELBOWS, _WRISTS, _HIPS = 0, (5, 6), (7, 8), (9, 10), (11, 12)
_LYING_SLOPE = 0.8
"""How far the trunk may rise, in its own length along the floor: 0.8 is 39 degrees."""


class PoseEstimator:
    """The network, loaded when it is first needed: most people never ask for what it tells."""

    def __init__(self, load: Callable[[], InferenceSession]) -> None:
        self._load = load
        self._network: InferenceSession | None = None

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> PoseEstimator:
        """Raises `ModelMissingError` when `movenet` has not been pulled."""
        path = models.file("movenet", "movenet.onnx")
        return cls(lambda: OnnxRuntimeSession(path, threads=config.vision.threads))

    def estimate(self, frame: VideoFrame, person: Box) -> Pose:
        """The pose of the person in a box. Raises `ModelError` when the network cannot be loaded."""
        if self._network is None:
            self._network = self._load()
        crop = square_crop(frame.pixels, person, _SIDE_PX, scale=_CROP_SCALE)
        feeds = {self._network.inputs[0].name: crop.astype(np.int32)[np.newaxis]}
        points = self._network.run(feeds)[self._network.outputs[0].name].reshape(17, 3)
        return np.stack([points[:, 1] * _SIDE_PX, points[:, 0] * _SIDE_PX, points[:, 2]], axis=1)


def hand_is_raised(pose: Pose) -> bool | None:
    """Whether a wrist is above the nose and above its elbow; None when neither can be seen, or the person lies."""
    if is_lying(pose):
        return None
    seen = False
    for elbow, wrist in zip(_ELBOWS, _WRISTS, strict=True):
        if _sees(pose, (_NOSE, elbow, wrist)):
            seen = True
            if pose[wrist, 1] < pose[_NOSE, 1] and pose[wrist, 1] < pose[elbow, 1]:
                return True
    return False if seen else None


def is_lying(pose: Pose) -> bool | None:
    """Whether the trunk is nearer to the floor's direction than to a standing one; None when it cannot be seen."""
    if not _sees(pose, (*_SHOULDERS, *_HIPS)):
        return None
    along = pose[list(_HIPS), :2].mean(axis=0) - pose[list(_SHOULDERS), :2].mean(axis=0)
    if float(np.hypot(*along)) < 0.05 * _SIDE_PX:
        return None  # seen from the head or the feet
    return bool(abs(along[1]) < _LYING_SLOPE * abs(along[0]))


def _sees(pose: Pose, points: Sequence[int]) -> bool:
    return bool((pose[list(points), 2] >= _LEAST_SCORE).all())
