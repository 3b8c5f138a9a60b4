"""Bringing a network of one's own: what is made can be built; what is bad gets one clear error and leaves nothing."""

from __future__ import annotations

import errno
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from assistant.errors import AssistantError, ConfigError
from assistant.models.manifest import load_manifest
from export.importing import import_source
from export.lint import lint_model
from export.onnx_from_vit import random_weights, vit, weight_shapes
from export.recipes_of_yours import find_recipe
from export.reference import exact_network
from tests.doubles.checkpoints import SMALL, refused, write_checkpoint, write_safetensors
from tests.doubles.export_command import assistant_export, write_samples
from tests.doubles.tiny_networks import write_model, write_network


def test_an_onnx_file_becomes_a_recipe_that_builds(tmp_path: Path) -> None:
    write_network(tmp_path / "My Network.onnx")
    folder = import_source(tmp_path / "My Network.onnx", None, tmp_path / "recipes")
    assert folder == tmp_path / "recipes" / "my-network"
    manifest = load_manifest(folder / "model.toml")
    assert [(tensor.name, tensor.shape) for tensor in manifest.inputs] == [("picture", (1, 3, 16, 16))]
    assert find_recipe(str(folder)).medium == "pictures"
    samples = write_samples(tmp_path / "samples")
    arguments = ("--calibration", samples, "--out", tmp_path / "out", "--precision", "fp16")
    finished = assistant_export("build", folder, *arguments, cache=tmp_path / "cache")
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / "out" / "my-network" / "fp16.onnx").is_file()


def test_open_axes_are_named_in_the_recipe(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["x"], ["y"], "relu")
    path = write_model(tmp_path / "open.onnx", [node], {}, inputs={"x": ["batch", 4]}, outputs={"y": ["batch", 4]})
    folder = import_source(path, None, tmp_path / "recipes")
    assert 'sizes={"batch": 1},' in (folder / "recipe.py").read_text()
    find_recipe(str(folder)).export([folder / "model.onnx"], tmp_path / "fixed.onnx")
    assert exact_network(tmp_path / "fixed.onnx")({"x": np.ones((1, 4), np.float32)})["y"].shape == (1, 4)


def test_open_axes_without_a_name_get_one(tmp_path: Path) -> None:
    node = helper.make_node("Add", ["x", "z:0"], ["y"], "add")
    inputs = {"x": [None, 4, 2], "z:0": [1, 0, -1]}
    path = write_model(tmp_path / "open.onnx", [node], {}, inputs=inputs, outputs={"y": [None, None, None]})
    folder = import_source(path, None, tmp_path / "recipes")
    recipe = folder / "recipe.py"
    assert 'sizes={"x_0": 1, "z:0_1": 1, "z:0_2": 1},' in recipe.read_text()
    assert [tensor.shape for tensor in load_manifest(folder / "model.toml").inputs] == [
        ("x_0", 4, 2),
        (1, "z:0_1", "z:0_2"),
    ]
    recipe.write_text(recipe.read_text().replace('"x_0": 1', '"x_0": 3').replace('"z:0_2": 1', '"z:0_2": 2'))
    find_recipe(str(folder)).export([folder / "model.onnx"], tmp_path / "fixed.onnx")
    feeds = {"x": np.ones((3, 4, 2), np.float32), "z:0": np.ones((1, 1, 2), np.float32)}
    assert exact_network(tmp_path / "fixed.onnx")(feeds)["y"].shape == (3, 4, 2)


def test_an_input_of_no_values_is_built_as_it_is(tmp_path: Path) -> None:
    folder = import_source(write_network(tmp_path / "n.onnx"), "mine", tmp_path / "recipes")
    model = onnx.load(folder / "model.onnx")
    model.graph.input.append(helper.make_tensor_value_info("roi", TensorProto.FLOAT, [0]))
    onnx.save(model, folder / "model.onnx")
    assert lint_model(folder / "model.onnx", "jetpack6") == []
    (tmp_path / "samples").mkdir()
    picture = np.random.default_rng(0).random((1, 3, 16, 16), np.float32)
    np.savez(tmp_path / "samples" / "one.npz", picture=picture, roi=np.zeros(0, np.float32))
    arguments = ("--calibration", tmp_path / "samples", "--out", tmp_path / "out", "--precision", "fp16")
    finished = assistant_export("build", folder, *arguments, cache=tmp_path / "cache")
    assert finished.returncode == 0, finished.stderr
    manifest = json.loads((tmp_path / "out" / "mine" / "manifest.json").read_text())
    assert [item["shape"] for item in manifest["inputs"]] == [[1, 3, 16, 16], [0]]


def test_a_network_with_open_axes_is_compared_with_what_was_imported(tmp_path: Path) -> None:
    nodes = [helper.make_node("Abs", ["x"], ["a"], "abs"), helper.make_node("Sqrt", ["a"], ["y"], "root")]
    path = write_model(tmp_path / "open.onnx", nodes, {}, inputs={"x": ["batch", 4]}, outputs={"y": ["batch", 4]})
    folder = import_source(path, None, tmp_path / "recipes")
    (tmp_path / "samples").mkdir()
    for number in range(2):
        np.savez(tmp_path / "samples" / f"{number}.npz", x=np.float32([[1, -2, 3, number]]))
    arguments = ("--calibration", tmp_path / "samples", "--out", tmp_path / "out", "--precision", "fp16")
    # As if fixing the sizes or folding constants had lost a node.
    other = write_model(tmp_path / "o.onnx", nodes[:1], {}, inputs={"x": [1, 4]}, outputs={"a": [1, 4]})
    (folder / "recipe.py").write_text(
        (folder / "recipe.py").read_text() + "\nimport dataclasses, onnx\n\n\n"
        "def lossy(sources, target):\n"
        f"    model = onnx.load({str(other)!r})\n"
        "    model.graph.node[0].output[0] = model.graph.output[0].name = 'y'\n"
        "    onnx.save(model, target)\n\n\n"
        "RECIPE = dataclasses.replace(RECIPE, export=lossy)\n"
    )
    finished = assistant_export("build", folder, *arguments, cache=tmp_path / "cache")
    assert finished.returncode == 5 and "does not agree with its source: y: cosine" in finished.stderr


def test_a_vit_checkpoint_becomes_its_network(tmp_path: Path) -> None:
    folder = import_source(write_checkpoint(tmp_path / "checkpoint"), "pets", tmp_path / "recipes")
    onnx.save(vit(random_weights(SMALL, 7), SMALL), tmp_path / "expected.onnx")
    feeds = {"pixel_values": np.random.default_rng(0).standard_normal((1, 3, 32, 32), np.float32)}
    got, expected = (exact_network(path)(feeds) for path in (folder / "model.onnx", tmp_path / "expected.onnx"))
    np.testing.assert_array_equal(got["logits"], expected["logits"])
    assert load_manifest(folder / "model.toml").labels == ("cat", "dog", 'a "quoted" 猫')
    assert "mean, deviation = [0.5, 0.4, 0.3], [0.2, 0.2, 0.2]" in (folder / "recipe.py").read_text()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image_mean", "__import__('pathlib').Path('ran').touch()"),
        ("image_mean", ["print(1)", 0.5, 0.5]),
        ("image_mean", [0.5, float("nan"), 0.5]),
        ("image_mean", [0.5, 0.5]),
        ("image_std", [0.5, 0.0, 0.5]),
        ("rescale_factor", {"a": 1}),
    ],
)
def test_what_goes_into_the_recipe_is_nothing_but_numbers(key: str, value: object, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "checkpoint")
    (folder / "preprocessor_config.json").write_text(json.dumps({key: value}))
    assert f"preprocessor_config.json: {key} is" in refused(folder, tmp_path).message


def test_a_name_of_a_file_is_no_part_of_the_program(tmp_path: Path) -> None:
    origin = '"""; raise SystemExit("ran").onnx'
    write_network(tmp_path / origin)
    folder = import_source(tmp_path / origin, "mine", tmp_path / "recipes")
    assert find_recipe(str(folder)).medium == "pictures"
    assert origin in " ".join(load_manifest(folder / "model.toml").notes)


def test_a_checkpoint_without_converter_is_named(tmp_path: Path) -> None:
    error = refused(write_checkpoint(tmp_path / "checkpoint", kind="detr"), tmp_path)
    assert "of the kind 'detr'" in error.message and "vit" in error.message and error.remedy


def test_a_checkpoint_whose_weights_do_not_fit_is_named(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "checkpoint")
    weights = random_weights(SMALL, 0)
    del weights["vit.layernorm.bias"]
    write_safetensors(folder / "model.safetensors", weights)
    assert "'vit.layernorm.bias': expected [24], got nothing" in refused(folder, tmp_path).message


@pytest.mark.parametrize("keep", [4, 40, -8])
def test_truncated_safetensors_are_named(keep: int, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "checkpoint")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    assert "model.safetensors" in refused(folder, tmp_path).message


@pytest.mark.parametrize("name", ["voice-activity", "captioner", "captioner-encoder", "all"])
def test_a_name_of_this_projects_own_recipes_is_refused(name: str, tmp_path: Path) -> None:
    path = write_network(tmp_path / f"{name}.onnx")
    with pytest.raises(ConfigError, match=f"'{name}' is a recipe of this project"):
        import_source(path, None, tmp_path / "recipes")
    folder = import_source(path, "mine", tmp_path / "recipes")
    assert find_recipe(str(folder)).name == "mine"
    if name not in ("all", "captioner"):  # no bundle is called so
        with pytest.raises(ConfigError, match=f"is called '{name}', as one of this project"):
            find_recipe(str(folder.rename(tmp_path / "recipes" / name)))


@pytest.mark.parametrize("name", ["../evil.onnx", "/evil.onnx", "model/../../evil.onnx"])
def test_archives_that_lead_out_are_refused_whole(name: str, tmp_path: Path) -> None:
    content = write_network(tmp_path / "n.onnx").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, content)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    for path in (tmp_path / "a.zip", tmp_path / "a.tar.gz"):
        error = refused(path, tmp_path)
        assert "unsafe path" in error.message and error.remedy
    assert not (tmp_path / "evil.onnx").exists() and not Path("/evil.onnx").exists()


def test_an_archive_of_a_checkpoint_is_as_good_as_the_folder(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "checkpoint")
    with tarfile.open(tmp_path / "checkpoint.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "checkpoint", "checkpoint")
    folder = import_source(tmp_path / "checkpoint.tar.gz", None, tmp_path / "recipes")
    assert folder.name == "checkpoint" and len(weight_shapes(SMALL)) > 30
    assert load_manifest(folder / "model.toml").labels[0] == "cat"


def test_an_import_leaves_what_is_the_users_alone_and_nothing_else_if_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = write_network(tmp_path / "n.onnx"), tmp_path / "work"
    (out / ".staging").mkdir(parents=True)
    (out / ".staging" / "letter.txt").write_text("dear")
    import_source(path, "mine", out)
    assert sorted(item.name for item in out.iterdir()) == [".staging", "mine"]

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        import_source(path, "other", out)
    assert sorted(item.name for item in out.iterdir()) == [".staging", "mine"]
    assert (out / ".staging" / "letter.txt").read_text() == "dear"


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    path = write_network(tmp_path / "n.onnx")
    import_source(path, "mine", tmp_path / "recipes")
    with pytest.raises(AssistantError, match="is there already"):
        import_source(path, "mine", tmp_path / "recipes")
