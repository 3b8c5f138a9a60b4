"""Loudness above the background: a stand-in for a network, for machines and tests that have none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from assistant.config import Config
from assistant.events import AudioArray

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

MARGIN_DB = 12.0
"""Level above the background at which speech is as likely as not."""
SLOPE_DB = 2.0
QUIETEST_DB = -60.0
"""Below this nothing counts as speech, however silent the background."""
RISE_DB_PER_FRAME = 0.05
"""The background follows a louder room slowly (about 1.5 dB a second), a quieter one at once."""


class EnergyDetector:
    """Speech probability from the level of a block against the quietest level lately. Any loud sound counts."""

    sample_rate_hz = 16000
    frame_samples = 512

    def __init__(self) -> None:
        self._background_db: float | None = None

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> EnergyDetector:
        """Needs no model."""
        return cls()

    def probability(self, samples: AudioArray) -> float:
        """Speech probability of the next (512,) block. Raises `ValueError` for a block of another size."""
        if samples.shape != (self.frame_samples,):
            raise ValueError(f"The energy detector takes blocks of shape ({self.frame_samples},), got {samples.shape}.")
        power = float(np.dot(samples, samples)) / samples.size
        level_db = max(QUIETEST_DB, 10.0 * math.log10(power + 1e-12))
        if self._background_db is None:
            self._background_db = level_db
        self._background_db = min(level_db, self._background_db + RISE_DB_PER_FRAME)
        return 1.0 / (1.0 + math.exp(-(level_db - self._background_db - MARGIN_DB) / SLOPE_DB))

    def reset(self) -> None:
        """Forget the background."""
        self._background_db = None
