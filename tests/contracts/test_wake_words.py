"""What every wake-word network in the registry must keep to."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.config import Config
from assistant.errors import ConfigError, DependencyMissingError
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import WakeWordDetector
from assistant.registry import resolve
from assistant.wake import FIRST_STAGES
from tests.doubles.spoken import english

pytestmark = pytest.mark.models
PHRASE = "Hey Jarvis"


def created(name: str, phrases: tuple[str, ...], store: ModelStore) -> WakeWordDetector:
    try:
        backend = resolve(FIRST_STAGES, name, kind="first stage")
    except DependencyMissingError as error:
        pytest.skip(str(error))
    detector: WakeWordDetector = backend.create(Config.model_validate({"wake": {"phrases": phrases}}), store)
    return detector


@pytest.fixture(params=sorted(FIRST_STAGES))
def detector(request: pytest.FixtureRequest, model_store: ModelStore) -> WakeWordDetector:
    return created(request.param, (PHRASE,), model_store)


def scores(detector: WakeWordDetector, samples: AudioArray, block: int = 512) -> list[float]:
    """The score after each block of `samples` with a second of silence on either side."""
    silence = np.zeros(16000, np.float32)
    padded = np.concatenate([silence, samples, silence])
    return [detector.process(padded[start : start + block]) for start in range(0, padded.size, block)]


def test_scores_are_fractions_and_highest_for_the_phrase(detector: WakeWordDetector) -> None:
    called = scores(detector, english(f"{PHRASE}."))
    detector.reset()
    talked = scores(detector, english("How many people are in the kitchen?"))
    assert all(0.0 <= score <= 1.0 for score in called + talked)
    assert max(called) > 0.5 > max(talked)


def test_reset_makes_it_as_new(detector: WakeWordDetector) -> None:
    first = scores(detector, english(f"{PHRASE}."))
    detector.reset()
    assert scores(detector, english(f"{PHRASE}.")) == first


def test_silence_and_what_is_louder_than_full_scale_are_no_phrase(detector: WakeWordDetector) -> None:
    loud = np.sign(np.sin(2 * np.pi * 100 * np.arange(16000) / 16000)).astype(np.float32) * 4.0
    assert max(scores(detector, np.zeros(16000, np.float32))) < 0.5
    detector.reset()
    assert max(scores(detector, loud)) < 0.5


@pytest.mark.parametrize("name", sorted(FIRST_STAGES))
@pytest.mark.parametrize("phrases", [(), ("你好，这个词没有模型",)])
def test_phrases_that_it_cannot_hear_are_refused(name: str, phrases: tuple[str, ...], model_store: ModelStore) -> None:
    with pytest.raises(ConfigError, match=r"wake\.phrases"):
        created(name, phrases, model_store)
