"""Every voice-activity detector in the registry: speech from silence, block by block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from assistant.config import Config
from assistant.events import AudioArray, AudioFrame, SpeechEnded
from assistant.models.store import ModelStore
from assistant.ports import VoiceActivityDetector
from assistant.registry import resolve
from assistant.vad import DETECTORS
from assistant.vad.endpointing import Endpointer
from tests.doubles.spoken import LEAD_S, TAIL_S, english

pytestmark = pytest.mark.models
SENTENCE = "How many people are in the kitchen?"


@pytest.fixture(params=sorted(DETECTORS))
def detector(request: pytest.FixtureRequest, model_store: ModelStore) -> VoiceActivityDetector:
    backend = resolve(DETECTORS, request.param, kind="voice-activity detector")
    created: VoiceActivityDetector = backend.create(Config(), model_store)
    return created


def blocks(detector: VoiceActivityDetector, samples: AudioArray) -> Iterator[AudioArray]:
    for start in range(0, samples.size - detector.frame_samples + 1, detector.frame_samples):
        yield samples[start : start + detector.frame_samples]


def room(seconds: float) -> AudioArray:
    return np.random.default_rng(0).normal(0.0, 1e-3, int(seconds * 16000)).astype(np.float32)


def scene() -> AudioArray:
    """A second of a quiet room, a sentence, another second."""
    speech = english(SENTENCE)
    return np.concatenate([room(1.0), speech + room(speech.size / 16000)[: speech.size], room(1.5)])


def test_speech_is_found_where_it_is(detector: VoiceActivityDetector) -> None:
    probabilities = np.array([detector.probability(block) for block in blocks(detector, scene())])
    assert ((probabilities >= 0.0) & (probabilities <= 1.0)).all()
    second = detector.sample_rate_hz // detector.frame_samples
    assert (probabilities[:second] < 0.35).all()
    assert (probabilities[-second:] < 0.35).all()
    assert (probabilities[second:-second] > 0.5).mean() > 0.5


def test_reset_makes_it_as_new(detector: VoiceActivityDetector) -> None:
    first = [detector.probability(block) for block in blocks(detector, scene())]
    detector.reset()
    assert [detector.probability(block) for block in blocks(detector, scene())] == first


def test_another_block_size_is_refused(detector: VoiceActivityDetector) -> None:
    with pytest.raises(ValueError, match=r"\(512,\).*\(160,\)"):
        detector.probability(np.zeros(160, np.float32))


def test_with_the_endpointing_it_cuts_out_one_utterance(detector: VoiceActivityDetector) -> None:
    endpointer = Endpointer(Config().vad, detector.sample_rate_hz)
    at_s, ended = 0.0, []
    for block in blocks(detector, scene()):
        at_s += block.size / detector.sample_rate_hz
        frame = AudioFrame(at_s, block, detector.sample_rate_hz)
        ended += [e for e in endpointer.accept(frame, detector.probability(block)) if isinstance(e, SpeechEnded)]
    (utterance,) = [event.utterance for event in ended]
    words_from_s = 1.0 + LEAD_S
    words_until_s = 1.0 + english(SENTENCE).size / 16000 - TAIL_S
    assert utterance.started_at_s == pytest.approx(words_from_s, abs=0.15)
    assert utterance.ended_at_s == pytest.approx(words_until_s, abs=0.25)
