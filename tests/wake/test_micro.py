"""The microWakeWord first stage, which is an extra."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.config import Config
from assistant.errors import ConfigError
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.registry import resolve
from assistant.wake import FIRST_STAGES
from tests.doubles.spoken import english

pytest.importorskip("pymicro_wakeword", reason="the extra 'wake' is not installed")
micro = pytest.importorskip("assistant.wake.micro")
ENGLISH = Config.model_validate({"wake": {"phrases": ("Hey Jarvis",), "first_stage": "micro"}})


def highest(detector, samples: AudioArray) -> float:
    padded = np.concatenate([np.zeros(16000, np.float32), samples, np.zeros(16000, np.float32)])
    return max(detector.process(padded[start : start + 512]) for start in range(0, padded.size, 512))


@pytest.mark.models
def test_the_phrase_crosses_the_middle_and_another_sentence_does_not(model_store: ModelStore) -> None:
    backend = resolve(FIRST_STAGES, "micro", kind="first stage")
    detector = backend.create(ENGLISH, model_store)
    assert highest(detector, english("Hey Jarvis.")) > 0.5
    detector.reset()
    assert highest(detector, english("How many people are in the kitchen?")) < 0.5
    detector.reset()
    assert highest(detector, np.zeros(16000, np.float32)) == 0.0


def test_a_phrase_without_a_network_is_named_with_the_ones_that_have_one(model_store: ModelStore) -> None:
    with pytest.raises(ConfigError, match=r"你好贾维斯.*hey jarvis"):
        micro.MicroWakeWordDetector.create(Config(), model_store)
