"""Calibrated log-linear pooling: each opinion is calibrated, diluted by how far it can be believed, and multiplied.

1. Calibrate: q ∝ (p / bias)^t with t = temperature × confidence^sharpness: a channel that is too sure is flattened.
2. Dilute: r = κ q + (1 − κ) prior with κ = reliability × confidence^doubt × 0.5^(fading × half-lives): the chance that
   the evidence is about the person's feeling now, and not about a poster, a joke, or a minute ago. It bounds what one
   channel can say, so that two sure channels that contradict each other leave the answer open.
3. Pool: P ∝ prior × Π (r / prior)^w (a logarithmic opinion pool; Genest & Zidek 1986, "Combining probability
   distributions", Statistical Science 1(1)). w is learned for each set of channels that are present: channels that see
   the same thing must not count it twice. A missing channel has no factor.

The parameters are learned by `assistant-export train fusion`; `pooling.json` beside this file says from what.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from assistant.config import Config
from assistant.errors import ModelError
from assistant.events import EMOTION_LABELS
from assistant.ports import EmotionEvidence, PooledEmotion

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

FloatArray = npt.NDArray[np.float64]

SHIPPED = Path(__file__).with_name("pooling.json")
_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class ChannelTrust:
    """What was learned of one channel; see the module's text."""

    temperature: float
    sharpness: float
    bias: tuple[float, ...]
    """Logarithms, in the order of `EMOTION_LABELS`."""
    reliability: float
    """0 to 1."""
    doubt: float
    fading: float


@dataclass(frozen=True, slots=True)
class PoolingParameters:
    """The content of a parameter file."""

    prior: tuple[float, ...]
    """In the order of `EMOTION_LABELS`; sums to 1."""
    channels: Mapping[str, ChannelTrust]
    weights: Mapping[str, Mapping[str, float]]
    """Channels that are present, sorted and joined by "+" → channel → exponent."""
    provenance: Mapping[str, Any]
    """What it was learned from."""

    @classmethod
    def read(cls, path: Path) -> PoolingParameters:
        """Raises `ModelError` naming the file and what is wrong with it."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            parameters = cls(
                prior=tuple(map(float, content["prior"])),
                channels={
                    name: ChannelTrust(**{**trust, "bias": tuple(map(float, trust["bias"]))})
                    for name, trust in content["channels"].items()
                },
                weights=content["weights"],
                provenance=content["provenance"],
            )
            parameters.check()
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{path} holds no parameters of the fusion 'pooling': {type(error).__name__}: {error}.",
                remedy="Train them with: assistant-export train fusion --head pooling",
            ) from error
        return parameters

    def check(self) -> None:
        """Raises `ValueError` for numbers that cannot be."""
        classes = len(EMOTION_LABELS)
        if len(self.prior) != classes or min(self.prior) <= 0.0 or abs(sum(self.prior) - 1.0) > 1e-3:
            raise ValueError(f"prior: expected {classes} positive numbers that sum to 1, got {list(self.prior)}")
        for name, trust in self.channels.items():
            if len(trust.bias) != classes or not np.isfinite(trust.bias).all():
                raise ValueError(f"channels.{name}.bias: expected {classes} numbers, got {list(trust.bias)}")
            if not 0.0 <= trust.reliability <= 1.0:
                raise ValueError(f"channels.{name}.reliability: expected 0 to 1, got {trust.reliability}")


_UNKNOWN = ChannelTrust(0.7, 1.0, (0.0,) * len(EMOTION_LABELS), reliability=0.35, doubt=1.0, fading=1.0)
"""A channel without a record counts as little as the weakest one."""


class LogLinearPooling:
    """The default fusion."""

    name = "pooling"

    def __init__(self, parameters: PoolingParameters, channels: Sequence[str]) -> None:
        self.channels = tuple(channels)
        trusts = [parameters.channels.get(name, _UNKNOWN) for name in self.channels]
        self._log_prior: FloatArray = np.log(parameters.prior)
        self._bias = np.array([trust.bias for trust in trusts]).reshape(-1, len(EMOTION_LABELS))
        self._temperature, self._sharpness, self._reliability, self._doubt, self._fading = (
            np.array([getattr(trust, field) for trust in trusts])
            for field in ("temperature", "sharpness", "reliability", "doubt", "fading")
        )
        self._exponents = _exponents(parameters, self.channels)
        self._places = 1 << np.arange(len(self.channels))

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> LogLinearPooling:
        """Raises `ModelError` when `emotion.fusion_model` cannot be read."""
        del models
        return cls(PoolingParameters.read(config.emotion.fusion_model or SHIPPED), config.emotion.channels)

    def pool(self, evidence: EmotionEvidence) -> PooledEmotion:
        """See `assistant.ports.EmotionFusionHead`."""
        confidence = np.maximum(evidence.confidence, 1e-6)
        sharp = self._temperature * confidence**self._sharpness
        calibrated = sharp[..., None] * (np.log(np.maximum(evidence.probabilities, _FLOOR)) - self._bias)
        calibrated = _softmax(calibrated)
        believed = self._reliability * confidence**self._doubt * 0.5 ** (self._fading * evidence.half_lives)
        prior = np.exp(self._log_prior)
        opinions = np.log(believed[..., None] * (calibrated - prior) + prior) - self._log_prior
        exponents = np.where(evidence.present, self._exponents[evidence.present @ self._places], 0.0)
        pooled = _softmax(self._log_prior + (exponents[..., None] * opinions).sum(axis=1))
        trust = exponents * believed
        return PooledEmotion(pooled, trust / np.maximum(trust.sum(axis=1, keepdims=True), 1e-12))


def pattern_name(channels: Sequence[str]) -> str:
    """The key of `PoolingParameters.weights` for these channels."""
    return "+".join(sorted(channels))


def _exponents(parameters: PoolingParameters, channels: tuple[str, ...]) -> FloatArray:
    """Shape (2^c, c): row b holds the exponents when exactly the channels of b's bits are present."""
    table = np.ones((1 << len(channels), len(channels)))
    for row in range(len(table)):
        present = [name for place, name in enumerate(channels) if row >> place & 1 and name in parameters.channels]
        learned = parameters.weights.get(pattern_name(present), {})
        table[row] = [learned.get(name, 1.0) for name in channels]
    return table


def _softmax(logits: FloatArray) -> FloatArray:
    powers: FloatArray = np.exp(logits - logits.max(axis=-1, keepdims=True))
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers
