"""Recipes: all of them can be had, and the networks that we write down are those that they claim to be."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from assistant.models.store import ModelStore
from export.checkpoint_folder import convert_checkpoint
from export.onnx_from_mobilenet import mobilenet_v3_large
from export.onnx_from_silero import export_static, original_network
from export.onnx_from_vit import VitShape, random_weights, vit, weight_shapes
from export.parity import judge
from export.recipes import RECIPES
from export.recipes_of_yours import find_recipe
from export.reference import exact_network, read_pairs, write_reference
from export.samples import SampleTools, feeds_of, sample_set

SMALL = VitShape(image_px=32, patch_px=16, width=24, layers=2, heads=3, hidden=48, classes=5)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_its_name_card_and_gate(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.name == name
    assert recipe.file.is_file()
    assert set(recipe.tolerances) == {"fp32", "fp16", "int8-trt", "int8-ort"}
    card = recipe.card(ModelStore())
    assert card.title and card.licence and card.licence_source and card.weights


def parameters(model: onnx.ModelProto) -> int:
    tensors = (tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT)
    return sum(math.prod(tensor.dims) for tensor in tensors if tensor.dims)


def test_vit_b_16_has_its_published_size() -> None:
    assert sum(map(math.prod, weight_shapes(VitShape()).values())) == 86_567_656


def test_mobilenet_v3_large_has_its_published_size() -> None:
    model = mobilenet_v3_large(0)
    # Published with batch normalisation, which has one parameter more for each channel than the bias that it became.
    normalized = sum(
        numpy_helper.to_array(tensor).size
        for tensor in model.graph.initializer
        if tensor.name.endswith(".bias")
        and ".squeeze." not in tensor.name
        and not tensor.name.startswith(("head", "log"))
    )
    assert parameters(model) + normalized == 5_483_032


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first, second, other = (vit(random_weights(SMALL, seed), SMALL).SerializeToString() for seed in (0, 0, 1))
    assert first == second != other


def test_a_vision_transformer_sees_every_patch(tmp_path: Path) -> None:
    onnx.save(vit(random_weights(SMALL, 0), SMALL), tmp_path / "vit.onnx")
    network = exact_network(tmp_path / "vit.onnx")
    picture = np.random.default_rng(0).standard_normal((1, 3, 32, 32), np.float32)
    plain = network({"pixel_values": picture})["logits"]
    assert plain.shape == (1, 5)
    for row, column in itertools.product((0, 16), repeat=2):
        changed = picture.copy()
        changed[:, :, row : row + 16, column : column + 16] *= -1
        assert np.abs(network({"pixel_values": changed})["logits"] - plain).max() > 1e-4


def test_a_vision_transformer_computes_what_transformers_does(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is no dependency; the comparison needs it")
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48, image_size=32, num_labels=5
    )
    reference = transformers.ViTForImageClassification(config).eval()
    reference.save_pretrained(tmp_path / "checkpoint")
    onnx.save(convert_checkpoint(tmp_path / "checkpoint").model, tmp_path / "vit.onnx")
    picture = np.random.default_rng(0).standard_normal((1, 3, 32, 32), np.float32)
    with torch.no_grad():
        expected = reference(torch.from_numpy(picture)).logits.numpy()
    got = exact_network(tmp_path / "vit.onnx")({"pixel_values": picture})["logits"]
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.models
def test_silero_without_control_flow_hears_what_silero_hears(model_store: ModelStore, tmp_path: Path) -> None:
    recipe = find_recipe("voice-activity")
    sources = recipe.sources(model_store)
    export_static(sources, tmp_path / "static.onnx")
    kinds = {node.op_type for node in onnx.load(tmp_path / "static.onnx").graph.node}
    assert not kinds & {"If", "Loop", "LSTM", "Shape", "Cast"}
    original, static = original_network(sources), exact_network(tmp_path / "static.onnx")
    tools = SampleTools(model_store, original)
    samples = sample_set(recipe, model_store, None)
    probabilities = []
    for feeds in itertools.islice(feeds_of(recipe, samples, "validation", tools, tmp_path / "static.onnx"), 60):
        expected, got = original(feeds), static(feeds)
        np.testing.assert_allclose(got["stateN"], expected["stateN"], atol=2e-5)
        np.testing.assert_allclose(got["output"], expected["output"], atol=2e-5)
        probabilities.append(float(got["output"][0, 0]))
    assert min(probabilities) < 0.1 and max(probabilities) > 0.9


@pytest.mark.models
def test_faces_are_found_by_networks_that_the_stages_know_of(
    model_store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = find_recipe("face-emotion")
    sources = recipe.sources(model_store)
    assert [path.name for path in sources] == ["emotion.onnx"]
    assert {path.name for path in recipe.sample_networks(model_store)} == {"blazeface.onnx", "facemesh.onnx"}

    def no_engine(*_arguments: object, **_options: object) -> None:
        raise AssertionError("An installed bundle was asked.")

    monkeypatch.setattr("assistant.inference.engines.ENGINES.open", no_engine)
    recipe.export(sources, tmp_path / "fp32.onnx")
    samples = sample_set(recipe, model_store, None)
    tools = SampleTools(model_store, exact_network(tmp_path / "fp32.onnx"))
    feeds = next(feeds_of(recipe, samples, "validation", tools, tmp_path / "fp32.onnx"))
    assert feeds["input_1:0"].shape == (4, 64, 64, 1)


@pytest.mark.models
@pytest.mark.parametrize("name", ["face-detector", "face-emotion", "image-encoder"])
def test_an_exported_network_answers_as_its_source(name: str, model_store: ModelStore, tmp_path: Path) -> None:
    recipe = find_recipe(name)
    sources = recipe.sources(model_store)
    recipe.export(sources, tmp_path / "fp32.onnx")
    assert recipe.reference is not None
    tools = SampleTools(model_store, recipe.reference(sources))
    samples = sample_set(recipe, model_store, None)
    few = itertools.islice(feeds_of(recipe, samples, "validation", tools, tmp_path / "fp32.onnx"), 2)
    (tmp_path / "pairs").mkdir()
    write_reference(tools.network, few, tmp_path / "pairs")
    verdict = judge(recipe, "fp32", exact_network(tmp_path / "fp32.onnx"), read_pairs(tmp_path / "pairs"))
    assert verdict.failures == ()
