"""What every emotion channel must keep to, over the whole registry."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from assistant.config import Config
from assistant.emotion import CHANNELS
from assistant.events import Box, Face, Transcript, VideoFrame
from assistant.models.store import ModelStore
from assistant.ports import FaceEvidence
from assistant.registry import resolve
from tests.doubles.speech_like import speech_like, utterance

_BOX = Box(0.2, 0.2, 0.8, 0.8)


def _picture(seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    blocks = np.random.default_rng(seed).integers(40, 220, (20, 20, 3), dtype=np.uint8)
    return np.kron(blocks, np.ones((10, 10, 1), np.uint8))


EVIDENCE: dict[str, list[Any]] = {
    "face": [FaceEvidence(VideoFrame(float(n), _picture(n)), Face(_BOX, 0.9)) for n in range(6)],
    "voice": [utterance(speech_like(seed=n), 5.0 * n) for n in range(6)],
    "text": [Transcript(float(n), n, text, "en", 0.9, True) for n, text in enumerate(["I am sad", "I love this"])],
}
"""A conversation with something to feel in it. A new channel needs its own line."""
NOTHING: dict[str, list[Any]] = {
    "face": [FaceEvidence(VideoFrame(0.0, np.zeros((9, 9, 3), np.uint8)), Face(_BOX, 0.9))],
    "voice": [utterance(np.zeros(n, np.float32)) for n in (0, 1, 16_000)],
    "text": [
        Transcript(0.0, 0, text, language, 1.0, True) for text, language in (("", "en"), ("?", "zh"), ("a", "xx"))
    ],
}
OBSERVED_AT = {"face": lambda e: e.frame.at_s, "voice": lambda e: e.ended_at_s, "text": lambda e: e.at_s}

_NEEDS_MODEL = {"face"}
_NAMES = [pytest.param(name, marks=[pytest.mark.models] if name in _NEEDS_MODEL else []) for name in CHANNELS]


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Any) -> ModelStore:
    """The real store for a channel with a model, an empty one for the others."""
    name = request.node.callspec.params["name"]
    if name not in _NEEDS_MODEL:
        return ModelStore(tmp_path)
    found: ModelStore = request.getfixturevalue("model_store")
    return found


def _channel(name: str, store: ModelStore) -> Any:
    return resolve(CHANNELS, name, kind="emotion channel").create(Config(), store)


def test_every_channel_has_evidence() -> None:
    assert set(CHANNELS) == set(EVIDENCE) == set(NOTHING) == set(OBSERVED_AT)


@pytest.mark.parametrize("name", _NAMES)
def test_estimates_keep_to_the_contract(name: str, store: ModelStore) -> None:
    channel = _channel(name, store)
    assert channel.name == name
    estimates = [(item, channel.estimate(item)) for item in EVIDENCE[name]]
    told = [(item, estimate) for item, estimate in estimates if estimate is not None]
    assert told
    for item, estimate in told:
        assert estimate.channel == name
        assert estimate.at_s == OBSERVED_AT[name](item)
        assert len(estimate.probabilities) == 7
        assert sum(estimate.probabilities) == pytest.approx(1.0)
        assert min(estimate.probabilities) > 0.0
        assert -1.0 <= estimate.valence <= 1.0
        assert -1.0 <= estimate.arousal <= 1.0
        assert 0.0 <= estimate.confidence <= 1.0


@pytest.mark.parametrize("name", _NAMES)
def test_no_evidence_is_none(name: str, store: ModelStore) -> None:
    channel = _channel(name, store)
    assert [channel.estimate(item) for item in NOTHING[name]] == [None] * len(NOTHING[name])


@pytest.mark.parametrize("name", _NAMES)
def test_the_same_evidence_gives_the_same_estimates(name: str, store: ModelStore) -> None:
    once, again = _channel(name, store), _channel(name, store)
    assert [once.estimate(item) for item in EVIDENCE[name]] == [again.estimate(item) for item in EVIDENCE[name]]


def test_the_registry_is_light() -> None:
    code = "import sys, assistant.emotion; sys.exit(any(m in sys.modules for m in ('cv2', 'onnxruntime', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
