"""Whole-picture labels, by EfficientNet-Lite0 with the thousand ImageNet classes (model `efficientnet-lite0`).

ImageNet knows things and animals, not people: on portraits it names clothes and musical instruments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from assistant.config import Config
from assistant.events import SceneTag, VideoFrame
from assistant.inference.engines import ENGINES
from assistant.ports import InferenceSession
from assistant.vision.preprocess import resize

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

_SIDE_PX = 224
_MOST_TAGS = 3
_MIN_CONFIDENCE = 0.05


class EfficientNetTagger:
    """The tagger."""

    def __init__(self, network: InferenceSession, labels: Sequence[str]) -> None:
        self._network = network
        self._input = network.inputs[0].name
        self._labels = labels

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> EfficientNetTagger:
        """Raises `ModelMissingError` when `efficientnet-lite0` has not been pulled."""
        path = models.file("efficientnet-lite0", "efficientnet-lite0.onnx")
        labels = models.manifest("efficientnet-lite0").labels
        return cls(ENGINES.open(config.inference, "image-encoder", path, threads=config.vision.threads), labels)

    def tag(self, frame: VideoFrame) -> list[SceneTag]:
        """The three likeliest labels, the unlikely left out."""
        picture = (resize(frame.pixels, _SIDE_PX, _SIDE_PX).astype(np.float32) - 127.0) / 128.0
        logits = self._network.run({self._input: picture.transpose(2, 0, 1)[np.newaxis]})["logits"][0]
        odds = np.exp(logits - logits.max())
        probabilities = odds / odds.sum()
        best = np.argsort(-probabilities)[:_MOST_TAGS]
        return [
            SceneTag(self._labels[index], float(probabilities[index]))
            for index in best
            if probabilities[index] >= _MIN_CONFIDENCE
        ]
