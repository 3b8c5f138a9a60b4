"""The voice channel: directions of prosody against the speaker's own normal, and what is no evidence."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.emotion.prosody import FEATURES, analyse
from assistant.emotion.voice import VoiceEmotion
from assistant.events import EMOTION_LABELS, AudioArray, EmotionEstimate
from tests.doubles.speech_like import speech_like, utterance

RATE_HZ = 16_000


def familiar(pitch_hz: float = 160.0, utterances: int = 8) -> VoiceEmotion:
    """A channel that has heard a calm speaker, each time a little different."""
    channel = VoiceEmotion()
    rng = np.random.default_rng(3)
    for number in range(utterances):
        samples = speech_like(
            pitch_hz=pitch_hz * rng.normal(1.0, 0.03), level=0.1 * rng.normal(1.0, 0.05), seconds=2.0, seed=number
        )
        channel.estimate(utterance(samples, 5.0 * number))
    return channel


def hear(channel: VoiceEmotion, samples: AudioArray, at_s: float = 100.0) -> EmotionEstimate:
    estimate = channel.estimate(utterance(samples, at_s))
    assert estimate is not None
    return estimate


def probability(estimate: EmotionEstimate, label: str) -> float:
    return estimate.probabilities[EMOTION_LABELS.index(label)]


@pytest.mark.parametrize("pitch_hz", [80.0, 120.0, 220.0, 400.0])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_pitch_is_measured(pitch_hz: float, rate_hz: int) -> None:
    prosody = analyse(speech_like(pitch_hz=pitch_hz, melody=0.0, sample_rate_hz=rate_hz), rate_hz)
    assert prosody is not None
    assert 2 ** prosody.vector[FEATURES.index("pitch")] == pytest.approx(pitch_hz, rel=0.02)


@pytest.mark.parametrize("syllables_per_s", [2.0, 4.0, 6.0])
def test_tempo_follows_the_syllables(syllables_per_s: float) -> None:
    prosody = analyse(speech_like(syllables_per_s=syllables_per_s, seconds=3.0), RATE_HZ)
    assert prosody is not None
    assert prosody.vector[FEATURES.index("tempo")] == pytest.approx(syllables_per_s, rel=0.2)


def test_a_trembling_voice_is_not_a_fast_one() -> None:
    steady = speech_like(syllables_per_s=2.0, seconds=3.0)
    trembling = steady * (1.0 + 0.12 * np.sin(2 * np.pi * 9.0 * np.arange(steady.size) / RATE_HZ)).astype(np.float32)
    one, other = analyse(steady, RATE_HZ), analyse(trembling, RATE_HZ)
    assert one and other
    tempo = FEATURES.index("tempo")
    assert other.vector[tempo] == pytest.approx(one.vector[tempo], rel=0.2)


def test_loudness_and_brightness_are_measured() -> None:
    plain, loud, bright = (analyse(speech_like(**kw), RATE_HZ) for kw in ({}, {"level": 0.2}, {"brightness": 3.0}))
    assert plain and loud and bright
    level, brightness = FEATURES.index("level"), FEATURES.index("brightness")
    assert loud.vector[level] - plain.vector[level] == pytest.approx(6.0, abs=0.5)
    assert bright.vector[brightness] > plain.vector[brightness] + 4.0


def test_telephone_band_changes_the_features_little() -> None:
    """A 16 kHz recording without anything above 4 kHz reads like the same speech at 8 kHz."""
    wide = analyse(speech_like(sample_rate_hz=16_000), 16_000)
    narrow = analyse(speech_like(sample_rate_hz=8_000), 8_000)
    assert wide and narrow
    assert np.abs(wide.vector - narrow.vector)[: FEATURES.index("tempo")].max() < 0.5


def test_excited_speech_has_more_arousal_than_calm() -> None:
    excited = hear(familiar(), speech_like(pitch_hz=210.0, melody=0.25, level=0.2, syllables_per_s=5.5, brightness=2.0))
    calm = hear(familiar(), speech_like(pitch_hz=160.0, seed=50))
    tired = hear(familiar(), speech_like(pitch_hz=135.0, melody=0.04, level=0.05, syllables_per_s=2.5, brightness=0.5))
    assert excited.arousal > 0.4 > calm.arousal > -0.4 > tired.arousal
    assert probability(calm, "neutral") == max(calm.probabilities)
    assert probability(tired, "sad") == max(tired.probabilities)
    assert probability(excited, "neutral") < 0.3


@pytest.mark.parametrize("pitch_hz", [100.0, 220.0])
def test_the_speakers_own_pitch_is_normal(pitch_hz: float) -> None:
    own = hear(familiar(pitch_hz), speech_like(pitch_hz=pitch_hz, seed=51))
    assert abs(own.arousal) < 0.4
    assert probability(own, "neutral") == max(own.probabilities)


def test_says_nothing_before_it_knows_the_speaker() -> None:
    channel = VoiceEmotion()
    estimates = [channel.estimate(utterance(speech_like(seed=n), 5.0 * n)) for n in range(12)]
    assert estimates[:3] == [None] * 3
    confidences = [estimate.confidence for estimate in estimates if estimate]
    assert len(confidences) == 9
    assert confidences == sorted(confidences)
    assert confidences[-1] <= 0.6


def test_another_speaker_becomes_the_normal() -> None:
    channel = familiar(100.0)
    newcomer = [channel.estimate(utterance(speech_like(pitch_hz=240.0, seed=n), 100.0 + n)) for n in range(12)]
    assert newcomer[0] is not None
    assert newcomer[0].arousal > 0.3
    assert newcomer[4] is None
    assert newcomer[-1] is not None
    assert abs(newcomer[-1].arousal) < 0.3


def test_one_shout_does_not_move_what_is_normal() -> None:
    shout = speech_like(pitch_hz=230.0, level=0.3, seed=1)
    disturbed = familiar()
    hear(disturbed, shout)
    undisturbed = hear(familiar(), speech_like(seed=52))
    assert hear(disturbed, speech_like(seed=52)).arousal == pytest.approx(undisturbed.arousal, abs=0.35)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(np.zeros(0, np.float32), id="empty"),
        pytest.param(np.full(1, 0.5, np.float32), id="one-sample"),
        pytest.param(np.zeros(RATE_HZ * 3, np.float32), id="silence"),
        pytest.param(np.full(RATE_HZ, 0.4, np.float32), id="constant"),
        pytest.param(np.random.default_rng(0).normal(0, 0.1, RATE_HZ * 3).astype(np.float32), id="noise"),
        pytest.param(np.clip(speech_like() * 1000, -1, 1).astype(np.float32), id="clipped"),
        pytest.param(speech_like(seconds=0.2), id="a-click"),
        pytest.param(np.sin(np.arange(RATE_HZ * 2) * 0.1).astype(np.float32) * 0.3, id="steady-tone"),
        pytest.param(np.full(RATE_HZ, np.nan, np.float32), id="not-numbers"),
    ],
)
def test_what_is_no_speech_is_no_evidence(samples: AudioArray) -> None:
    assert familiar().estimate(utterance(samples, 100.0)) is None


def test_noise_and_some_clipping_lower_confidence() -> None:
    clean = speech_like(seed=53)
    noisy = (clean + np.random.default_rng(1).normal(0, 0.06, clean.size)).astype(np.float32)
    clipped = np.clip(clean, -0.35, 0.35) / np.float32(0.35)
    confident = hear(familiar(), clean).confidence
    assert hear(familiar(), noisy).confidence < confident
    assert hear(familiar(), clipped).confidence < confident


def test_two_people_who_take_turns_each_keep_their_normal() -> None:
    channel = familiar(100.0)
    for n in range(12):
        channel.estimate(utterance(speech_like(pitch_hz=240.0, seed=n), 100.0 + n))
    back = [channel.estimate(utterance(speech_like(pitch_hz=100.0, seed=30 + n), 200.0 + n)) for n in range(6)]
    # Their normal is still known: no three utterances of silence, and nothing excited about it.
    assert all(estimate is not None for estimate in back)
    assert abs(back[-1].arousal) < 0.35 if back[-1] else False
