"""What is normal for the person who speaks: a slow running mean and deviation of each prosodic feature."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assistant.emotion.prosody import FEATURES

Vector = npt.NDArray[np.float64]

# How much one person's calm utterances differ among themselves: standard deviations over 357 prompts of one
# professional speaker (Debian's asterisk-core-sounds-en-wav), rounded up, since others are less even.
_TYPICAL: Vector = np.array([0.18, 0.22, 2.5, 1.3, 0.9, 3.0, 0.02])
_SLOWEST = 1.0 / 40.0
_FARTHEST = 3.0
_OTHER_PERSON_OCTAVES = 0.6
_OTHER_PERSON_UTTERANCES = 3
_MOST_SPEAKERS = 4


class SpeakerBaseline:
    """One speaker's normal. All its state is bounded: outliers are clipped before they count."""

    def __init__(self) -> None:
        self.utterances = 0
        self._mean: Vector = np.zeros(len(FEATURES))
        self._variance: Vector = np.square(_TYPICAL)

    def octaves_from(self, vector: Vector) -> float:
        """How far this voice's pitch is from the speaker's."""
        return abs(float(vector[0] - self._mean[0]))

    def z_scores(self, vector: Vector) -> Vector:
        """Distance from normal in the speaker's own deviations, shape (7,), -3 to 3; all 0 for the first utterance."""
        if self.utterances == 0:
            return np.zeros(len(FEATURES))
        deviation = np.clip(np.sqrt(self._variance), 0.6 * _TYPICAL, 2.0 * _TYPICAL)
        scores: Vector = np.clip((vector - self._mean) / deviation, -_FARTHEST, _FARTHEST)
        return scores

    def learn(self, vector: Vector) -> None:
        """Count an utterance."""
        if self.utterances == 0:
            self._mean = vector.copy()
        else:
            deviation = np.sqrt(self._variance)
            step = vector - self._mean
            step = np.clip(step, -_FARTHEST * deviation, _FARTHEST * deviation)
            # The variance starts from what is typical, as if eight utterances had shown it.
            self._variance += max(1.0 / (self.utterances + 8), _SLOWEST) * (np.square(step) - self._variance)
            self._mean = self._mean + max(1.0 / (self.utterances + 1), _SLOWEST) * step
        self.utterances += 1


class Speakers:
    """Everyone who was heard lately, told apart by pitch: a raised voice is the same person, three in a row are not."""

    def __init__(self) -> None:
        self._known = [SpeakerBaseline()]
        self._strange = 0

    def hear(self, vector: Vector) -> SpeakerBaseline:
        """Whose utterance this is, as far as pitch says; the speaker of the last one comes first."""
        now = self._known[0]
        if now.utterances == 0 or now.octaves_from(vector) <= _OTHER_PERSON_OCTAVES:
            self._strange = 0
            return now
        self._strange += 1
        if self._strange < _OTHER_PERSON_UTTERANCES:
            return now
        self._strange = 0
        others = [speaker for speaker in self._known[1:] if speaker.octaves_from(vector) <= _OTHER_PERSON_OCTAVES]
        speaker = min(others, key=lambda known: known.octaves_from(vector), default=None) or SpeakerBaseline()
        self._known = [speaker, *(known for known in self._known if known is not speaker)][:_MOST_SPEAKERS]
        return speaker
