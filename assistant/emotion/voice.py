"""What the way of speaking says about how a person feels, against their own normal.

Directions of the cues: Juslin & Laukka (2003), "Communication of emotions in vocal expression and music performance:
different channels, same code?", Psychological Bulletin 129(5), summary table of cues for anger, fear, happiness and
sadness; where Scherer (2003), "Vocal communication of emotion: a review of research paradigms", Speech Communication
40, table 2, disagrees (loudness and brightness of fear) the cue is left at 0. Sizes are a judgement. Prosody tells
excited from calm; within the excited ones (angry, happy, afraid) it guesses, so its confidence stays low by design.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from assistant.config import Config
from assistant.emotion.affect import Distribution, distribution, estimate_from
from assistant.emotion.baseline import Speakers
from assistant.emotion.prosody import Prosody, analyse
from assistant.emotion.voice_features import SIZE, voice_features
from assistant.events import EMOTION_LABELS, EmotionEstimate, EmotionLabel, Utterance

if TYPE_CHECKING:
    from assistant.emotion.classifier_network import ClassifierNetwork
    from assistant.models.store import ModelStore

# In the speaker's deviations: pitch, melody, level, dynamics, tempo, brightness, harmonicity.
_CUES: dict[EmotionLabel, tuple[float, ...]] = {
    "angry": (1.5, 1.5, 1.5, 0.7, 1.5, 1.5, -0.7),
    "fear": (1.5, -1.5, 0.0, 0.7, 1.5, 0.0, -0.7),
    "happy": (1.5, 1.5, 0.7, 0.7, 1.0, 0.7, 0.7),
    "sad": (-1.5, -1.5, -1.5, -0.7, -1.5, -1.5, -0.7),
    "neutral": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
}
_WITHOUT_CUES = 0.2
"""Mass of disgust and surprise beside a neutral of 1: the reviews agree on no cues for them."""
_AROUSAL = np.array([0.3, 0.1, 0.3, 0.0, 0.15, 0.15, 0.0])
_AROUSAL_SPAN = 1.5
"""Deviations at which arousal is at tanh 1."""
_SOFTNESS = 2.5
"""Features are neither independent nor normal; their joint log-likelihood is divided by this."""
_MOST_CONFIDENT = 0.6
_UTTERANCES_BEFORE = 3
"""Utterances that are only listened to."""
_UTTERANCES_TO_HALF = 4
_SHORTEST_VOICED_S = 0.25


class VoiceEmotion:
    """The voice channel. It learns what is normal for each person who speaks, one at a time."""

    name = "voice"

    def __init__(self, network: ClassifierNetwork | None = None) -> None:
        """`network`, where there is one, takes the place of the rules."""
        self._speakers = Speakers()
        self._network = network

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> VoiceEmotion:
        """Raises `ModelError` when `emotion.voice_model` cannot be used."""
        del models
        path = config.emotion.voice_model
        if path is None:
            return cls()
        from assistant.emotion.classifier_network import ClassifierNetwork

        return cls(ClassifierNetwork(path, "voice", SIZE))

    def estimate(self, evidence: Utterance) -> EmotionEstimate | None:
        """None for silence, noise, clipped and very short sounds, and (by the rules) while the speaker's normal is
        unknown."""
        if self._network is not None:
            return self._by_network(evidence, self._network)
        prosody = analyse(evidence.samples, evidence.sample_rate_hz)
        quality = _quality(prosody)
        if prosody is None or quality <= 0.0:
            return None
        speaker = self._speakers.hear(prosody.vector)
        known = speaker.utterances
        scores = speaker.z_scores(prosody.vector)
        speaker.learn(prosody.vector)
        if known < _UTTERANCES_BEFORE:
            return None
        return estimate_from(
            self.name,
            evidence.ended_at_s,
            _classes(scores),
            _MOST_CONFIDENT * quality * known / (known + _UTTERANCES_TO_HALF),
            arousal=float(np.tanh(scores @ _AROUSAL / _AROUSAL_SPAN)),
        )

    def _by_network(self, evidence: Utterance, network: ClassifierNetwork) -> EmotionEstimate | None:
        found = voice_features(evidence.samples, evidence.sample_rate_hz)
        quality = _quality(found[1]) if found else 0.0
        if found is None or quality <= 0.0:
            return None
        classes, decided = network.classify(found[0])
        return estimate_from(self.name, evidence.ended_at_s, classes, quality * decided)


def _quality(prosody: Prosody | None) -> float:
    """0 to 1: long enough, out of the noise, not clipped."""
    if prosody is None or prosody.voiced_s < _SHORTEST_VOICED_S:
        return 0.0
    long_enough = np.clip(prosody.voiced_s / 1.0, 0.0, 1.0)
    clear = np.clip((prosody.signal_to_noise_db - 6.0) / 12.0, 0.0, 1.0)
    undistorted = np.clip(1.0 - prosody.clipped / 0.05, 0.0, 1.0)
    return float(long_enough * clear * undistorted)


def _classes(scores: npt.NDArray[np.float64]) -> Distribution:
    """Classes from z-scores, shape (7,): the log-likelihood ratio of each class's cues to none, softened."""
    mass = np.full(len(EMOTION_LABELS), _WITHOUT_CUES)
    for label, cues in _CUES.items():
        direction = np.array(cues)
        ratio = scores @ direction - 0.5 * direction @ direction
        mass[EMOTION_LABELS.index(label)] = np.exp(ratio / _SOFTNESS)
    return distribution(mass)
