"""Late fusion of the channels: log-linear pooling with reliabilities, ages and abstention.

The pooled distribution is p ∝ prior × Π p_c^{w_c} (a logarithmic opinion pool; Genest & Zidek 1986, "Combining
probability distributions", Statistical Science 1(1)), with w_c = reliability × confidence × fade. A channel that is
missing has no factor at all. Everything is a pure function of the estimates that were observed and of `now_s`, so a
replayed conversation feels the same, and the order in which channels report does not matter.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.config import EmotionConfig
from assistant.emotion.affect import Distribution, disagreement_bits
from assistant.errors import ConfigError
from assistant.events import EMOTION_LABELS, EmotionContribution, EmotionEstimate, EmotionLabel, EmotionState


@dataclass(frozen=True, slots=True)
class Trust:
    """How much a channel is believed, apart from what it says about its own evidence."""

    reliability: float
    """Exponent of a channel that is fully confident, 0 to 1."""
    persistence: float
    """Its half-life as a multiple of `emotion.half_life_s`: a camera looks again every second, speech comes rarely."""
    memory_s: float
    """An earlier estimate counts half beside one this much newer; 0 keeps only the newest."""


TRUST: dict[str, Trust] = {
    # People who say how they feel are the best witnesses; what they said last replaces what they said before.
    "text": Trust(reliability=0.9, persistence=2.0, memory_s=0.0),
    # Good on clear expressions, but it takes a talking mouth for surprise or fear. The channel smooths by itself.
    "face": Trust(reliability=0.65, persistence=1.0, memory_s=0.0),
    # Prosody tells arousal from calm and little else; one utterance alone is noisy, so neighbours are averaged.
    "voice": Trust(reliability=0.4, persistence=2.0, memory_s=6.0),
}
UNKNOWN_TRUST = Trust(reliability=0.4, persistence=1.0, memory_s=0.0)
"""A channel without a measured record counts as little as the weakest one."""

# Neutral is the commonest state of someone who talks to a device. Kept weak, so that one good channel can overrule it.
_PRIOR: Distribution = np.array([0.2 if label == "neutral" else 0.8 / 6 for label in EMOTION_LABELS])
_OLDEST_HALF_LIVES = 4.0
_LEAST_CONFIDENCE = 0.1
_DECIDED = 0.5
"""A class that holds this much of the mass is a clear winner."""
_HISTORY = 8


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What one channel says at a given time."""

    probabilities: Distribution
    valence: float
    arousal: float
    confidence: float
    age_s: float
    left_out: str | None
    weight: float


class EmotionFusion:
    """The newest estimates of all channels, pooled on demand. Not thread-safe: it belongs to the event loop."""

    def __init__(self, config: EmotionConfig) -> None:
        self._config = config
        self._observed: dict[str, list[EmotionEstimate]] = {name: [] for name in config.channels}

    def update(self, estimate: EmotionEstimate) -> None:
        """Take an estimate. One that comes late is put where its time belongs.

        Raises `ConfigError` for a channel that is not in `emotion.channels`.
        """
        try:
            history = self._observed[estimate.channel]
        except KeyError:
            raise ConfigError(
                f"The emotion channel '{estimate.channel}' is not switched on (emotion.channels: "
                f"{', '.join(self._config.channels) or 'none'}).",
                remedy="Add it to emotion.channels.",
            ) from None
        bisect.insort(history, estimate, key=lambda kept: kept.at_s)
        del history[:-_HISTORY]

    def state(self, now_s: float, turn_id: int | None = None) -> EmotionState | None:
        """How the person seems to feel at `now_s`; None only if nothing was ever observed."""
        opinions = {name: self._opinion(name, history, now_s) for name, history in self._observed.items() if history}
        if not opinions:
            return None
        counted = [opinion for opinion in opinions.values() if opinion.left_out is None]
        weights = np.array([opinion.weight for opinion in counted])
        pooled, confidence, valence, arousal = _pool(counted, weights)
        label = EMOTION_LABELS[int(pooled.argmax())] if confidence >= self._config.abstain_below and counted else None
        return EmotionState(
            at_s=now_s,
            label=label,
            probabilities=tuple(float(p) for p in pooled),
            valence=valence,
            arousal=arousal,
            confidence=confidence,
            contributions=tuple(_contribution(name, opinions.get(name), weights) for name in self._observed),
            turn_id=turn_id,
        )

    def _opinion(self, name: str, history: list[EmotionEstimate], now_s: float) -> _Opinion:
        trust = TRUST.get(name, UNKNOWN_TRUST)
        newest = history[-1]
        kept = history if trust.memory_s > 0.0 else [newest]
        recency = np.array(
            [0.5 ** ((newest.at_s - e.at_s) / trust.memory_s) if trust.memory_s > 0.0 else 1.0 for e in kept]
        )
        # An unsure estimate says little about how sure the channel is now, but must not dilute a sure one's opinion.
        confidence = float(recency @ [e.confidence for e in kept] / recency.sum())
        shares = recency * np.array([max(e.confidence, 1e-6) for e in kept])
        shares /= shares.sum()
        age_s = max(0.0, now_s - newest.at_s)
        half_lives = age_s / (self._config.half_life_s * trust.persistence)
        left_out = None
        if half_lives > _OLDEST_HALF_LIVES:
            left_out = "too old"
        elif confidence < _LEAST_CONFIDENCE:
            left_out = "not confident"
        return _Opinion(
            probabilities=shares @ np.array([e.probabilities for e in kept]),
            valence=float(shares @ [e.valence for e in kept]),
            arousal=float(shares @ [e.arousal for e in kept]),
            confidence=confidence,
            age_s=age_s,
            left_out=left_out,
            weight=0.0 if left_out else trust.reliability * confidence * 0.5**half_lives,
        )


def _pool(counted: list[_Opinion], weights: npt.NDArray[np.float64]) -> tuple[Distribution, float, float, float]:
    """Pooled distribution, confidence, valence, arousal."""
    if not counted:
        return _PRIOR, 0.0, 0.0, 0.0
    opinions = np.array([opinion.probabilities for opinion in counted])
    log_pool = np.log(_PRIOR) + weights @ np.log(np.maximum(opinions, 1e-6))
    pooled = np.exp(log_pool - log_pool.max())
    pooled /= pooled.sum()
    # Independent witnesses add up: the chance that at least one of them can be believed.
    strength = 1.0 - float(np.prod(1.0 - np.minimum(weights, 1.0)))
    # Squared, so that the dissent of one weak channel costs little and that of an equal one nearly everything.
    agreement = 1.0 - min(1.0, disagreement_bits(opinions, weights)) ** 2
    decided = min(1.0, float(pooled.max()) / _DECIDED)
    shares = weights / weights.sum()
    valence = strength * float(shares @ [opinion.valence for opinion in counted])
    arousal = strength * float(shares @ [opinion.arousal for opinion in counted])
    return pooled, strength * agreement * decided, valence, arousal


def _contribution(name: str, opinion: _Opinion | None, weights: npt.NDArray[np.float64]) -> EmotionContribution:
    if opinion is None:
        return EmotionContribution(name, weight=0.0, label=None, confidence=0.0, age_s=None, left_out="missing")
    label: EmotionLabel = EMOTION_LABELS[int(opinion.probabilities.argmax())]
    weight = opinion.weight / float(weights.sum()) if opinion.left_out is None else 0.0
    return EmotionContribution(name, weight, label, opinion.confidence, opinion.age_s, opinion.left_out)
