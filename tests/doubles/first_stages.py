"""First stages of the wake phrase that score what the test says they score."""

from __future__ import annotations

import numpy as np

from assistant.config import Config
from assistant.models.store import ModelStore


class Never:
    """Hears nothing."""

    loud_score = 0.0

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Never:
        return cls()

    def process(self, samples: np.ndarray) -> float:
        return self.loud_score if np.abs(samples).max() > 0.4 else 0.0

    def reset(self) -> None:
        """Nothing to forget."""


class Unsure(Never):
    """Scores 0.6 for what is loud, which speech need not be."""

    loud_score = 0.6
