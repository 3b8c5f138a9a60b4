"""What a face shows, by a small expression network on an aligned crop (model `face-emotion`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from assistant.config import Config
from assistant.emotion.affect import Distribution, disagreement_bits, distribution, entropy_bits, estimate_from
from assistant.emotion.face_crop import quality, views
from assistant.events import Box, EmotionEstimate
from assistant.inference.engines import ENGINES
from assistant.ports import FaceEvidence, InferenceSession

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

_MEMORY_HALF_LIFE_S = 1.0
"""Half-life of the smoothing: expressions last about 0.5 to 4 s (Ekman 2003, "Emotions Revealed")."""
_LEAST_WORTH = 0.05
_MOST_BITS = math.log2(7)


class FaceEmotion:
    """The face channel. It smooths over the faces that it is given while they are the same person's in the same
    place."""

    name = "face"

    def __init__(self, network: InferenceSession) -> None:
        """`network` takes (N, 64, 64, 1) in [-1, 1] and gives (N, 7) probabilities in the order of `EMOTION_LABELS`."""
        self._network = network
        self._input = network.inputs[0].name
        self._output = network.outputs[0].name
        self._smooth: Distribution | None = None
        self._confidence = 0.0
        self._box = Box(0.0, 0.0, 0.0, 0.0)
        self._track_id: int | None = None
        self._at_s = -math.inf

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> FaceEmotion:
        """Raises `ModelMissingError` when `face-emotion` has not been pulled."""
        path = models.file("face-emotion", "emotion.onnx")
        return cls(ENGINES.open(config.inference, "face-emotion", path, threads=config.vision.threads))

    def estimate(self, evidence: FaceEvidence) -> EmotionEstimate | None:
        """None for a face that is too small, blurred, dark, bright, flat or turned away to read."""
        pixels, face = evidence.frame.pixels, evidence.face
        try:
            crops = views(pixels, face)
        except ValueError:
            return None
        worth = quality(pixels, face, crops[0]).worth() * face.confidence
        if worth < _LEAST_WORTH:
            return None
        feeds = ((crops - 0.5) * 2.0)[..., np.newaxis].astype(np.float32)
        opinions = self._network.run({self._input: feeds})[self._output].astype(np.float64)
        mean = opinions.mean(axis=0)
        # The network's own probabilities are overconfident. That all views agree says more, and that they are not flat.
        steady = max(0.0, 1.0 - disagreement_bits(opinions, np.ones(len(opinions))))
        decided = 1.0 - entropy_bits(mean) / _MOST_BITS
        smooth = self._smoothed(mean, worth * steady * decided, evidence)
        return estimate_from(self.name, evidence.frame.at_s, distribution(smooth), self._confidence)

    def _smoothed(self, opinion: Distribution, confidence: float, evidence: FaceEvidence) -> Distribution:
        """Exponential smoothing in the time of the evidence; sure opinions count more than unsure ones."""
        elapsed_s = evidence.frame.at_s - self._at_s
        another = None not in (self._track_id, evidence.track_id) and self._track_id != evidence.track_id
        if self._smooth is None or elapsed_s < 0.0 or another or _apart(self._box, evidence.face.box):
            self._smooth, self._confidence = opinion, confidence
        else:
            kept = 0.5 ** (elapsed_s / _MEMORY_HALF_LIFE_S)
            old, new = kept * self._confidence + 1e-6, (1.0 - kept) * confidence + 1e-6
            self._smooth = (old * self._smooth + new * opinion) / (old + new)
            # A face whose opinion changes from picture to picture is no clear one.
            consistent = 1.0 - disagreement_bits(np.array([self._smooth, opinion]), np.array([1.0, 1.0]))
            self._confidence = (kept * self._confidence + (1.0 - kept) * confidence) * max(0.0, consistent)
        self._box, self._at_s, self._track_id = evidence.face.box, evidence.frame.at_s, evidence.track_id
        return self._smooth


def _apart(one: Box, other: Box) -> bool:
    """Whether two boxes can hardly be the same face: their centres are more than the wider one's width apart."""
    (x0, y0), (x1, y1) = one.center, other.center
    reach_x = max(one.x1 - one.x0, other.x1 - other.x0)
    reach_y = max(one.y1 - one.y0, other.y1 - other.y0)
    return abs(x0 - x1) > reach_x or abs(y0 - y1) > reach_y
