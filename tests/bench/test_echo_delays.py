"""From where the bench of speech over a reply counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from assistant.config import Config
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.vad import DETECTORS
from bench import echo
from bench.loudness import onset_s
from bench.speech_sets import Clip
from tests.doubles.conversation import KnownWords
from tests.doubles.rooms import SPEECH_LEVEL
from tests.doubles.speech_like import speech_like

_WORDS = "stop talking"


class Loudness:
    """A detector for which what is louder than a quiet echo is speech."""

    sample_rate_hz, frame_samples = 16_000, 512

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Loudness:
        return cls()

    def probability(self, samples: AudioArray) -> float:
        return float(np.abs(samples).max() > SPEECH_LEVEL)

    def reset(self) -> None:
        """Nothing to forget."""


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> echo.Ears:
    monkeypatch.setitem(DETECTORS, Config().vad.backend, f"{__name__}:Loudness")
    return echo.Ears(ModelStore())


def clip(*parts: AudioArray) -> Clip:
    return Clip(np.concatenate(parts).astype(np.float32), _WORDS, "en", "noise")


def measured(ears: echo.Ears, clips: Sequence[Clip]) -> dict[str, float]:
    chunks = [speech_like(seconds=1.5, sample_rate_hz=24_000, seed=number) for number in range(12)]
    people = echo.said_over(ears, chunks, clips)
    return echo.interruptions(ears, KnownWords([_WORDS] * len(clips)), people, ratio_db=20)


def test_delays_count_from_the_first_loud_block_and_not_from_the_beginning_of_the_clip(ears: echo.Ears) -> None:
    noise = np.random.default_rng(0)
    hesitates = np.concatenate([np.zeros(8_000), noise.normal(0.0, 0.05 * SPEECH_LEVEL, 3_200)])
    figures = measured(ears, [clip(hesitates, noise.normal(0.0, 2 * SPEECH_LEVEL, 16_000))])
    assert figures["detected"] == 1.0
    assert figures["delay_p50_s"] <= Config().vad.min_speech_s + 0.1
    # What is so much louder than the echo is noticed at least as soon as if there were none.
    assert -0.1 < figures["later_p50_s"] < 0.033


def test_the_onset_is_the_beginning_of_the_first_loud_block() -> None:
    soft, loud = np.full(1_700, 0.01, np.float32), np.full(400, 0.1, np.float32)
    assert onset_s(np.concatenate([soft, loud]), 16_000) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="loud"):
        onset_s(soft, 16_000)
