"""microWakeWord: networks of some 50 kB for a few fixed English phrases.

https://github.com/kahrendt/microWakeWord; the weights are inside the package `pymicro-wakeword`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

from assistant.config import Config
from assistant.errors import ConfigError
from assistant.events import AudioArray

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

_NETWORKS = {model.value.replace("_", " "): model for model in Model}


class MicroWakeWordDetector:
    """One network a phrase; the score is that of the likeliest, scaled so that 0.5 is the network's own threshold."""

    def __init__(self, phrases: tuple[str, ...]) -> None:
        """Load the networks. Raises `ConfigError` for a phrase that has none."""
        unknown = [phrase for phrase in phrases if phrase.lower() not in _NETWORKS]
        if unknown or not phrases:
            raise ConfigError(
                f"The first stage 'micro' has no network for: {', '.join(unknown) or 'an empty list of phrases'}.",
                remedy=f'Set wake.phrases to some of: {", ".join(_NETWORKS)}; or wake.first_stage = "vad".',
            )
        self._features = MicroWakeWordFeatures()
        self._networks = [MicroWakeWord.from_builtin(_NETWORKS[phrase.lower()]) for phrase in phrases]

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> MicroWakeWordDetector:
        """Load a network for each of `config.wake.phrases`."""
        return cls(config.wake.phrases)

    def process(self, samples: AudioArray) -> float:
        """Score (0 to 1) of a phrase ending in this block of 16 kHz samples, of any length."""
        pcm = (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
        scores = [0.0]
        for features in self._features.process_streaming(pcm):
            for network in self._networks:
                probability = network.process_streaming_prob(features) or 0.0
                scores.append(_scaled(probability, network.probability_cutoff))
        return max(scores)

    def reset(self) -> None:
        """Forget the stream so far."""
        self._features.reset()
        for network in self._networks:
            network.reset()


def _scaled(probability: float, cutoff: float) -> float:
    """Piecewise linear: 0 → 0, `cutoff` → 0.5, 1 → 1."""
    if probability < cutoff:
        return 0.5 * probability / cutoff
    return 0.5 + 0.5 * (probability - cutoff) / (1.0 - cutoff)
