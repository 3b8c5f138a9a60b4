"""The plainest fusion: a mean of the opinions under weights that nobody learned. A baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from assistant.config import Config
from assistant.events import EMOTION_LABELS
from assistant.ports import EmotionEvidence, PooledEmotion

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

_WEIGHTS = {"text": 0.45, "face": 0.35, "voice": 0.2}
_OTHER = 0.2


class FixedWeights:
    """A linear opinion pool: shares of `_WEIGHTS` among the channels that are present, whatever their age."""

    name = "fixed"

    def __init__(self, channels: Sequence[str]) -> None:
        self.channels = tuple(channels)
        self._weights = np.array([_WEIGHTS.get(name, _OTHER) for name in self.channels])

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> FixedWeights:
        """It needs no model."""
        del models
        return cls(config.emotion.channels)

    def pool(self, evidence: EmotionEvidence) -> PooledEmotion:
        """See `assistant.ports.EmotionFusionHead`."""
        weights = self._weights * evidence.present
        total = weights.sum(axis=1, keepdims=True)
        shares = weights / np.maximum(total, 1e-12)
        pooled = (shares[..., None] * evidence.probabilities).sum(axis=1)
        pooled += (total <= 0.0) / len(EMOTION_LABELS)
        return PooledEmotion(pooled, shares)
