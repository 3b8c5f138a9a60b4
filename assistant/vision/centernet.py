"""Objects of the 80 COCO classes, by a CenterNet on MobileNetV3 (model `centernet`).

The network finds peaks itself: it gives its hundred best as x0, y0, x1, y1 (pixels of its 512 px input), score, class.
Their boxes still overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from assistant.config import Config
from assistant.events import Detection, VideoFrame
from assistant.inference.engines import ENGINES
from assistant.ports import InferenceSession
from assistant.vision.preprocess import non_maximum_suppression, resize, to_box
from assistant.vision.tracking import WEAK_CONFIDENCE

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

_SIDE_PX = 512
_MAX_OVERLAP = 0.4
_OUTPUT = "tower_0/detections"


class CenterNetDetector:
    """The detector. Two classes at one place are one object: the surer one is kept."""

    def __init__(self, network: InferenceSession, labels: Sequence[str], *, min_confidence: float) -> None:
        self.labels = labels
        self._network = network
        self._input = network.inputs[0].name
        self._min_confidence = min_confidence

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> CenterNetDetector:
        """Raises `ModelMissingError` when `centernet` has not been pulled."""
        path = models.file("centernet", "detector.onnx")
        # By far the most work of all vision networks, and a third slower when it gives its memory back every time.
        network = ENGINES.open(
            config.inference,
            "object-detector",
            path,
            threads=config.vision.detector_threads,
            keep_memory=True,
            outputs=(_OUTPUT,),
        )
        labels = models.manifest("centernet").labels
        # Weak detections are for the tracker, which knows where something is to be expected.
        return cls(network, labels, min_confidence=min(WEAK_CONFIDENCE, config.vision.min_confidence))

    def detect(self, frame: VideoFrame) -> list[Detection]:
        """Detections by falling confidence."""
        picture = resize(frame.pixels, _SIDE_PX, _SIDE_PX).astype(np.float32)[np.newaxis]
        found = self._network.run({self._input: picture})[_OUTPUT][0]
        found = found[found[:, 4] >= self._min_confidence]
        kept = non_maximum_suppression(found[:, :4], found[:, 4], max_overlap=_MAX_OVERLAP)
        return [
            Detection(self.labels[int(found[index, 5])], float(found[index, 4]), to_box(*found[index, :4] / _SIDE_PX))
            for index in kept
        ]
