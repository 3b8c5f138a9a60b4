"""Trained classifiers in place of the rules, behind the same channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from assistant.config import Config, EmotionConfig
from assistant.emotion import text_features, voice_features
from assistant.emotion.fusion_network import AttentionFusion
from assistant.emotion.text import TextEmotion
from assistant.emotion.voice import VoiceEmotion
from assistant.errors import ModelError
from assistant.events import EMOTION_LABELS, EmotionEstimate, Transcript
from assistant.kept import KEPT
from assistant.models.store import ModelStore
from export.onnx_file import write_onnx
from export.train.head_onnx import head_onnx
from export.train.recipe_out import write_classifier_recipe
from tests.doubles.speech_like import speech_like, utterance
from tests.training.test_head_onnx import random_weights


def recipe(folder: Path, features: int, labels: tuple[str, ...], weights: np.ndarray) -> Path:
    """A linear classifier as the training leaves it."""
    nodes = [
        helper.make_node("MatMul", ["features", "w"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    values = [
        helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", features]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(labels)]),
    ]
    initializers = [numpy_helper.from_array(weights.astype(np.float32), "w")]
    graph = helper.make_graph(nodes, "classifier", values[:1], values[1:], initializers)
    folder.mkdir()
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "net.onnx")
    samples = np.zeros((2, features), np.float32)
    write_classifier_recipe(folder / "recipe", folder / "net.onnx", "test", labels, "nothing", samples)
    return folder / "recipe"


def top(estimate: EmotionEstimate | None) -> str:
    assert estimate is not None
    return EMOTION_LABELS[int(np.argmax(estimate.probabilities))]


def said(text: str, language: str = "en") -> Transcript:
    return Transcript(1.0, 1, text, language, 1.0, True)


@pytest.fixture
def text_channel(tmp_path: Path) -> TextEmotion:
    """Knows two sentences."""
    sad, angry = (text_features.text_features(text) for text in ("the rain again", "the rain stays"))
    weights = 20.0 * np.stack([sad, angry], axis=1)
    path = recipe(tmp_path / "t", text_features.SIZE, ("sad", "angry"), weights)
    return TextEmotion.create(Config(emotion=EmotionConfig(text_model=path)), ModelStore(tmp_path))


def test_words_are_judged_by_the_network(text_channel: TextEmotion) -> None:
    assert top(text_channel.estimate(said("the rain again"))) == "sad"
    assert top(text_channel.estimate(said("the rain stays"))) == "angry"
    unsure = text_channel.estimate(said("completely something else"))
    assert unsure is not None
    assert unsure.confidence < 0.1


def test_commands_and_other_languages_are_still_no_evidence(text_channel: TextEmotion) -> None:
    assert text_channel.estimate(said("play the rain again")) is None
    assert text_channel.estimate(said("la pluie encore", "fr")) is None


def test_voices_are_judged_by_the_network_and_silence_is_not(tmp_path: Path) -> None:
    weights = np.zeros((voice_features.SIZE, 2))
    weights[0] = (4.0, 0.0)  # pitch, in octaves
    path = recipe(tmp_path / "v", voice_features.SIZE, ("happy", "neutral"), weights)
    channel = VoiceEmotion.create(Config(emotion=EmotionConfig(voice_model=path)), ModelStore(tmp_path))
    assert top(channel.estimate(utterance(speech_like()))) == "happy"
    for nothing in (np.zeros(1, np.float32), np.zeros(32_000, np.float32), np.clip(speech_like() * 1000, -1, 1)):
        assert channel.estimate(utterance(np.asarray(nothing, np.float32))) is None


def test_the_networks_are_kept_for_the_next_assistant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    session = onnxruntime.InferenceSession

    def load(model: Any, *options: Any, **more: Any) -> Any:
        loaded.append(str(model))
        return session(model, *options, **more)

    text = recipe(tmp_path / "t", text_features.SIZE, ("sad", "angry"), np.zeros((text_features.SIZE, 2)))
    voice = recipe(tmp_path / "v", voice_features.SIZE, ("sad", "angry"), np.zeros((voice_features.SIZE, 2)))
    head = tmp_path / "head.onnx"
    write_onnx(head_onnx("attention", random_weights("attention"), 2), head)
    config = Config(
        emotion=EmotionConfig(text_model=text, voice_model=voice, fusion="attention", fusion_model=head),
    )
    monkeypatch.setattr(onnxruntime, "InferenceSession", load)
    with KEPT.keeping():
        for loads in (3, 3, 4):
            if loads == 4:
                (text / "model.onnx").touch()  # trained anew
            for part in (TextEmotion, VoiceEmotion, AttentionFusion):
                part.create(config, ModelStore(tmp_path))
            assert len(loaded) == loads


def test_a_network_of_another_channel_is_refused(tmp_path: Path) -> None:
    path = recipe(tmp_path / "t", 10, ("sad", "angry"), np.zeros((10, 2)))
    with pytest.raises(ModelError, match=r"expected features \(1, 79\)"):
        VoiceEmotion.create(Config(emotion=EmotionConfig(voice_model=path)), ModelStore(tmp_path))
    with pytest.raises(ModelError, match="no bundle"):
        TextEmotion.create(Config(emotion=EmotionConfig(text_model=tmp_path)), ModelStore(tmp_path))


def test_labels_that_are_no_emotions_are_refused(tmp_path: Path) -> None:
    size = text_features.SIZE
    path = recipe(tmp_path / "t", size, ("cat", "dog"), np.zeros((size, 2)))
    with pytest.raises(ModelError, match="cat, dog"):
        TextEmotion.create(Config(emotion=EmotionConfig(text_model=path)), ModelStore(tmp_path))
