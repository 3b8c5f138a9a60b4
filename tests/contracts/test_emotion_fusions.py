"""What every fusion must keep to, over the whole registry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.config import Config, EmotionConfig
from assistant.emotion import FUSIONS
from assistant.errors import ConfigError, ModelError
from assistant.models.store import ModelStore
from assistant.ports import EmotionEvidence, EmotionFusionHead
from assistant.registry import resolve
from export.onnx_file import write_onnx
from export.train.generator import ASSISTANT, draw
from export.train.head_onnx import head_onnx
from tests.training.test_head_onnx import random_weights

NETWORKS = ("attention", "concatenation")


@pytest.fixture(params=FUSIONS)
def head(request: pytest.FixtureRequest, tmp_path: Path) -> EmotionFusionHead:
    made = _made(request.param, tmp_path)
    assert made.name == request.param
    return made


def _made(name: str, folder: Path) -> EmotionFusionHead:
    """A head; a network has random weights."""
    path = None
    if name in NETWORKS:
        path = folder / "head.onnx"
        write_onnx(head_onnx(name, random_weights(name), 2), path)
    config = Config(emotion=EmotionConfig(fusion=name, fusion_model=path))
    made: EmotionFusionHead = resolve(FUSIONS, name, kind="emotion fusion").create(config, ModelStore())
    return made


def test_answers_are_distributions_and_weights_shares(head: EmotionFusionHead) -> None:
    evidence = draw(ASSISTANT, 50, seed=0).evidence
    pooled = head.pool(evidence)
    assert pooled.probabilities.shape == (50, 7)
    assert pooled.probabilities.sum(axis=1) == pytest.approx(1.0)
    assert pooled.probabilities.min() >= 0.0
    assert pooled.weights.sum(axis=1) == pytest.approx(1.0, abs=1e-6)
    assert (pooled.weights[~evidence.present] == 0.0).all()


def test_what_is_not_present_does_not_count(head: EmotionFusionHead) -> None:
    evidence = draw(ASSISTANT, 50, seed=1).evidence
    noisy = evidence.probabilities.copy()
    noisy[~evidence.present] = np.eye(7)[3]
    changed = EmotionEvidence(noisy, evidence.confidence, evidence.half_lives, evidence.present)
    assert head.pool(changed).probabilities == pytest.approx(head.pool(evidence).probabilities, abs=1e-6)


def test_nothing_present_is_an_answer_without_weights(head: EmotionFusionHead) -> None:
    shape = 2, len(head.channels)
    empty = EmotionEvidence(np.full((*shape, 7), 1 / 7), np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool))
    pooled = head.pool(empty)
    assert pooled.probabilities.sum(axis=1) == pytest.approx(1.0)
    assert not pooled.weights.any()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_s_weights_are_what_each_channel_changes(name: str, tmp_path: Path) -> None:
    head = _made(name, tmp_path)
    evidence = draw(ASSISTANT, 40, seed=2).evidence
    pooled = head.pool(evidence)
    for moment, present in enumerate(evidence.present):
        changes = np.zeros(len(head.channels))
        for channel in np.flatnonzero(present):
            without = evidence.present.copy()
            without[moment, channel] = False
            other = EmotionEvidence(evidence.probabilities, evidence.confidence, evidence.half_lives, without)
            changes[channel] = np.abs(head.pool(other).probabilities[moment] - pooled.probabilities[moment]).sum()
        if present.any():
            assert pooled.weights[moment] == pytest.approx(changes / changes.sum(), abs=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_is_not_there_names_how_to_train_it(name: str, tmp_path: Path) -> None:
    fusion = resolve(FUSIONS, name, kind="emotion fusion")
    for path, message in ((None, "emotion.fusion_model is not set"), (tmp_path / "x.onnx", "There is no")):
        config = Config(emotion=EmotionConfig(fusion=name, fusion_model=path))
        with pytest.raises(ConfigError, match=message) as caught:
            fusion.create(config, ModelStore())
        assert f"assistant-export train fusion --head {name}" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"prior": [1]}', '{"prior": [0.5,0.5,0,0,0,0,0], "channels": {}, "weights": {}, "provenance": {}}'],
)
def test_a_broken_parameter_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "pooling.json"
    path.write_text(content, encoding="utf-8")
    config = Config(emotion=EmotionConfig(fusion_model=path))
    with pytest.raises(ModelError, match=r"pooling\.json holds no parameters"):
        resolve(FUSIONS, "pooling", kind="emotion fusion").create(config, ModelStore())
