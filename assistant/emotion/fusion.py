"""How the person seems to feel: the newest opinion of each channel, fused, filtered in time, with a reason for each.

Which channels count is decided here, how they are combined by an `assistant.ports.EmotionFusionHead`. Everything is a
pure function of the estimates that were observed and of `now_s`, so a replayed conversation feels the same, and the
order in which channels report does not matter.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.config import EmotionConfig
from assistant.emotion.affect import entropy_bits
from assistant.emotion.temporal import TemporalFilter
from assistant.errors import ConfigError
from assistant.events import EMOTION_LABELS, EmotionContribution, EmotionEstimate, EmotionLabel, EmotionState
from assistant.ports import EmotionEvidence, EmotionFusionHead, PooledEmotion

_PERSISTENCE: dict[str, float] = {"text": 2.0, "voice": 2.0}
"""Half-lives as multiples of `emotion.half_life_s`: a camera looks again every second, speech comes rarely."""
_OLDEST_HALF_LIVES = 4.0
_LEAST_CONFIDENCE = 0.1
_HISTORY = 8
_REMEMBERED = 4
"""Earlier estimates, of all channels, that the temporal filter looks at."""
_CLASSES = len(EMOTION_LABELS)


@dataclass(frozen=True, slots=True)
class _Opinion:
    """A channel's newest estimate at a given time, and why it does not count."""

    estimate: EmotionEstimate
    age_s: float
    half_lives: float
    left_out: str | None


class EmotionFusion:
    """The estimates of all channels, fused on demand. Not thread-safe: it belongs to the event loop."""

    def __init__(self, config: EmotionConfig, head: EmotionFusionHead, temporal: TemporalFilter | None = None) -> None:
        """`temporal` None takes what was learned."""
        self._config = config
        self._head = head
        self._temporal = temporal or TemporalFilter()
        self._place = {name: place for place, name in enumerate(head.channels)}
        self._observed: dict[str, list[EmotionEstimate]] = {name: [] for name in config.channels}

    def for_another(self) -> EmotionFusion:
        """The same for another person, of whom nothing was observed yet."""
        return EmotionFusion(self._config, self._head, self._temporal)

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
        opinions = {name: self._opinion(history[-1], now_s) for name, history in self._observed.items() if history}
        if not opinions:
            return None
        counted = {name: opinion for name, opinion in opinions.items() if opinion.left_out is None}
        earlier = self._superseded()
        pooled = self._pool(earlier, counted)
        nothing, now = pooled.probabilities[0], pooled.probabilities[-1]
        at_s = np.array([*(min(e.at_s, now_s) for e in earlier), now_s])
        belief = self._temporal.belief(pooled.probabilities[1:], at_s, nothing) if counted else now
        weights = {name: float(pooled.weights[-1][self._place[name]]) for name in counted}
        confidence = float(belief.max()) if counted else 0.0
        # How far the answer is decided: nothing can be said of the mood of someone of whom nothing is known.
        decided = 1.0 - entropy_bits(belief) / np.log2(_CLASSES)
        named = bool(counted) and confidence >= self._config.abstain_below  # what is usual is no evidence
        return EmotionState(
            at_s=now_s,
            label=EMOTION_LABELS[int(belief.argmax())] if named else None,
            probabilities=tuple(belief.tolist()),
            valence=float(decided * sum(share * opinions[name].estimate.valence for name, share in weights.items())),
            arousal=float(decided * sum(share * opinions[name].estimate.arousal for name, share in weights.items())),
            confidence=confidence,
            contributions=tuple(_contribution(name, opinions.get(name), weights) for name in self._observed),
            turn_id=turn_id,
        )

    def _opinion(self, estimate: EmotionEstimate, now_s: float) -> _Opinion:
        age_s = max(0.0, now_s - estimate.at_s)
        half_lives = age_s / (self._config.half_life_s * _PERSISTENCE.get(estimate.channel, 1.0))
        left_out = None
        if estimate.channel not in self._place:
            left_out = "not learned"
        elif half_lives > _OLDEST_HALF_LIVES:
            left_out = "too old"
        elif estimate.confidence < _LEAST_CONFIDENCE:
            left_out = "not confident"
        return _Opinion(estimate, age_s, half_lives, left_out)

    def _superseded(self) -> Sequence[EmotionEstimate]:
        """What channels said before they said something else, oldest first: each counts once, as it was then."""
        before = itertools.chain.from_iterable(history[:-1] for history in self._observed.values())
        sure = (e for e in before if e.confidence >= _LEAST_CONFIDENCE and e.channel in self._place)
        # Channels break ties, so that the order in which they reported does not matter.
        return heapq.nlargest(_REMEMBERED, sure, key=lambda e: (e.at_s, e.channel))[::-1]

    def _pool(self, earlier: Sequence[EmotionEstimate], counted: dict[str, _Opinion]) -> PooledEmotion:
        """One batch: nothing at all, each earlier estimate alone, and now."""
        rows, channels = len(earlier) + 2, len(self._place)
        probabilities = np.full((rows, channels, _CLASSES), 1.0 / _CLASSES)
        confidence, half_lives = np.zeros((rows, channels)), np.zeros((rows, channels))
        present = np.zeros((rows, channels), dtype=bool)
        cells = [(row, estimate, 0.0) for row, estimate in enumerate(earlier, start=1)]
        cells += [(rows - 1, opinion.estimate, opinion.half_lives) for opinion in counted.values()]
        for row, estimate, age in cells:
            cell = row, self._place[estimate.channel]
            probabilities[cell], confidence[cell] = estimate.probabilities, estimate.confidence
            half_lives[cell], present[cell] = age, True
        return self._head.pool(EmotionEvidence(probabilities, confidence, half_lives, present))


def _contribution(name: str, opinion: _Opinion | None, weights: dict[str, float]) -> EmotionContribution:
    if opinion is None:
        return EmotionContribution(name, weight=0.0, label=None, confidence=0.0, age_s=None, left_out="missing")
    estimate = opinion.estimate
    label: EmotionLabel = EMOTION_LABELS[estimate.probabilities.index(max(estimate.probabilities))]
    weight = weights.get(name, 0.0)
    return EmotionContribution(name, weight, label, estimate.confidence, opinion.age_s, opinion.left_out)
