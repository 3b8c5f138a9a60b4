"""Fusion networks as ONNX: what is masked does not count, and they are what torch trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.emotion.fusion_network import CHANNELS, FEATURES
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.models.store import ModelStore
from export.onnx_file import write_onnx
from export.recipes_of_yours import find_recipe
from export.train.generator import ASSISTANT, draw
from export.train.head_onnx import Weights, head_onnx
from export.train.recipe_out import write_recipe

WIDTH = 8


def random_weights(name: str) -> Weights:
    rng = np.random.default_rng(0)

    def linear(layer: str, inputs: int, outputs: int) -> dict[str, np.ndarray]:
        return {f"{layer}.weight": rng.normal(0, 0.4, (outputs, inputs)), f"{layer}.bias": rng.normal(0, 0.1, outputs)}

    if name == "concatenation":
        size = len(CHANNELS) * FEATURES
        return {**linear("hidden", size, WIDTH), **linear("deeper", WIDTH, WIDTH), **linear("answer", WIDTH, 7)}
    layers = {layer: linear(layer, WIDTH, WIDTH) for layer in ("query", "key", "value", "mix")}
    return {
        "embed": rng.normal(0, 0.4, (len(CHANNELS), FEATURES, WIDTH)),
        "place": rng.normal(0, 0.1, (len(CHANNELS), WIDTH)),
        "question": rng.normal(0, 0.1, (1, 1, WIDTH)),
        **{key: value for layer in layers.values() for key, value in layer.items()},
        **linear("wider", WIDTH, 2 * WIDTH),
        **linear("narrower", 2 * WIDTH, WIDTH),
        **linear("answer", WIDTH, 7),
    }


def session(tmp_path: Path, name: str, weights: Weights, heads: int = 2) -> OnnxRuntimeSession:
    write_onnx(head_onnx(name, weights, heads), tmp_path / "head.onnx")
    return OnnxRuntimeSession(tmp_path / "head.onnx")


@pytest.mark.parametrize("name", ["attention", "concatenation"])
def test_what_is_masked_does_not_count_and_moments_do_not_mix(tmp_path: Path, name: str) -> None:
    network = session(tmp_path, name, random_weights(name))
    rng = np.random.default_rng(1)
    tokens = rng.standard_normal((5, len(CHANNELS), FEATURES)).astype(np.float32)
    mask = np.array([[1, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 1], [0, 0, 0]], np.float32)
    answers = network.run({"tokens": tokens, "mask": mask})["probabilities"]
    assert answers.sum(axis=1) == pytest.approx(1.0)
    tokens[mask == 0] = 99.0
    assert network.run({"tokens": tokens, "mask": mask})["probabilities"] == pytest.approx(answers, abs=1e-5)
    one_by_one = [
        network.run({"tokens": tokens[i : i + 1], "mask": mask[i : i + 1]})["probabilities"] for i in range(5)
    ]
    assert np.concatenate(one_by_one) == pytest.approx(answers, abs=1e-5)


@pytest.mark.parametrize("name", ["attention", "concatenation"])
def test_it_is_the_network_that_torch_trains(tmp_path: Path, name: str) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra train")
    from export.train.heads import HEADS

    torch.manual_seed(0)
    module = HEADS[name]().eval()
    weights = {key: value.numpy() for key, value in module.state_dict().items()}
    network = session(tmp_path, name, weights, getattr(module, "heads", 1))
    moments = draw(ASSISTANT, 200, seed=3)
    inputs = module.inputs(moments.evidence)
    with torch.no_grad():
        expected = torch.softmax(module(*inputs), dim=-1).numpy()
    got = network.run({"tokens": inputs[0].numpy(), "mask": inputs[1].numpy()})["probabilities"]
    assert got == pytest.approx(expected, abs=1e-5)


def test_the_same_weights_are_the_same_bytes() -> None:
    weights = random_weights("attention")
    assert (
        head_onnx("attention", weights, 2).SerializeToString() == head_onnx("attention", weights, 2).SerializeToString()
    )


def test_the_recipe_is_an_ordinary_one(tmp_path: Path) -> None:
    write_onnx(head_onnx("attention", random_weights("attention"), 2), tmp_path / "head.onnx")
    write_recipe(tmp_path / "recipe", tmp_path / "head.onnx", "attention", "nothing", draw(ASSISTANT, 20, seed=1))
    recipe = find_recipe(str(tmp_path / "recipe"))
    card = recipe.card(ModelStore())
    assert card.task == recipe.name == "emotion-fusion"
    assert len(card.labels) == 7
    assert len(list((tmp_path / "recipe/samples").iterdir())) == 20
