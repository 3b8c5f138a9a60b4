"""What all channels share: distributions over `EMOTION_LABELS` and their place on the valence-arousal plane."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assistant.events import EMOTION_LABELS, EmotionEstimate, EmotionLabel

Distribution = npt.NDArray[np.float64]
"""Shape (7,), in the order of `EMOTION_LABELS`, sums to 1."""

# Mean pleasure and arousal ratings of the English words, from Russell & Mehrabian (1977), "Evidence for a three-factor
# theory of emotions", Journal of Research in Personality 11. Neutral is the origin by definition.
_COORDINATES: dict[EmotionLabel, tuple[float, float]] = {
    "angry": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "happy": (0.81, 0.51),
    "sad": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
    "neutral": (0.0, 0.0),
}
VALENCE: Distribution = np.array([_COORDINATES[label][0] for label in EMOTION_LABELS])
AROUSAL: Distribution = np.array([_COORDINATES[label][1] for label in EMOTION_LABELS])

FLOOR = 0.01
"""No channel may rule a class out: in a product of opinions a zero would be a veto."""


def distribution(scores: npt.ArrayLike) -> Distribution:
    """Non-negative scores, shape (7,), as a distribution in which every class keeps at least about `FLOOR`."""
    values = np.asarray(scores, dtype=np.float64)
    floored: Distribution = (values / values.sum() + FLOOR) / (1.0 + FLOOR * values.size)
    return floored


def estimate_from(
    channel: str, at_s: float, probabilities: Distribution, confidence: float, *, arousal: float | None = None
) -> EmotionEstimate:
    """An estimate whose valence (and arousal, unless the channel measured it) is the expectation over the classes."""
    return EmotionEstimate(
        at_s=at_s,
        channel=channel,
        probabilities=tuple(float(p) for p in probabilities),
        valence=float(probabilities @ VALENCE),
        arousal=float(probabilities @ AROUSAL) if arousal is None else arousal,
        confidence=float(np.clip(confidence, 0.0, 1.0)),
    )


def entropy_bits(probabilities: Distribution) -> float:
    """Shannon entropy, 0 (certain) to log2 7."""
    return float(-(probabilities * np.log2(np.maximum(probabilities, 1e-12))).sum())


def disagreement_bits(opinions: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float:
    """Generalised Jensen-Shannon divergence of `opinions`, shape (n, 7), under `weights`, shape (n,).

    0 when all agree; at most the entropy of the normalised weights, so one bit for two equal channels that share no
    class. Lin (1991), "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory 37(1).
    """
    shares = weights / weights.sum()
    within = float(shares @ [entropy_bits(opinion) for opinion in opinions])
    return max(0.0, entropy_bits(shares @ opinions) - within)
