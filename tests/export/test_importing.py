"""Bringing a network of one's own: what is made can be built; what is bad gets one clear error and leaves nothing."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from assistant.errors import AssistantError, ConfigError
from assistant.models.manifest import load_manifest
from export.importing import import_source
from export.lint import lint_model
from export.onnx_file import write_onnx
from export.onnx_from_vit import VitShape, random_weights, vit, weight_shapes
from export.recipes_of_yours import find_recipe
from export.reference import exact_network
from tests.doubles.export_command import assistant_export, write_samples
from tests.doubles.tiny_networks import write_model, write_network

SMALL = VitShape(image_px=32, patch_px=16, width=24, layers=2, heads=3, hidden=48, classes=3)


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


def test_an_input_without_a_shape_is_refused(tmp_path: Path) -> None:
    path = relu(tmp_path / "bad.onnx")
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.ClearField("shape")
    path.write_bytes(model.SerializeToString())
    assert "Field 'shape'" in refused(path, tmp_path).message
    (finding,) = lint_model(path, "jetpack6")
    assert (finding.rule, finding.node, finding.severity) == ("dynamic-axis", "x", "error")


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


def write_safetensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
    header, blocks, offset = {}, [], 0
    for name, array in tensors.items():
        content = array.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [offset, offset + len(content)]}
        offset += len(content)
        blocks.append(content)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def write_checkpoint(folder: Path, kind: str = "vit") -> Path:
    folder.mkdir()
    config = {
        "model_type": kind,
        "architectures": ["ViTForImageClassification"],
        "image_size": 32,
        "patch_size": 16,
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 48,
        "id2label": {"0": "cat", "1": "dog", "2": 'a "quoted" 猫'},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2] * 3})
    )
    write_safetensors(folder / "model.safetensors", random_weights(SMALL, 7))
    return folder


def test_a_vit_checkpoint_becomes_its_network(tmp_path: Path) -> None:
    folder = import_source(write_checkpoint(tmp_path / "checkpoint"), "pets", tmp_path / "recipes")
    onnx.save(vit(random_weights(SMALL, 7), SMALL), tmp_path / "expected.onnx")
    feeds = {"pixel_values": np.random.default_rng(0).standard_normal((1, 3, 32, 32), np.float32)}
    got, expected = (exact_network(path)(feeds) for path in (folder / "model.onnx", tmp_path / "expected.onnx"))
    np.testing.assert_array_equal(got["logits"], expected["logits"])
    assert load_manifest(folder / "model.toml").labels == ("cat", "dog", 'a "quoted" 猫')
    assert "mean, deviation = [0.5, 0.4, 0.3], [0.2, 0.2, 0.2]" in (folder / "recipe.py").read_text()


def refused(source: Path, tmp_path: Path) -> AssistantError:
    """The error of an import, which must name its file and a remedy, and leave nothing."""
    with pytest.raises(AssistantError) as caught:
        import_source(source, "mine", tmp_path / "recipes")
    assert not (tmp_path / "recipes").exists() or not list((tmp_path / "recipes").iterdir())
    return caught.value


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


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Path]]:
        return Path.touch, (self.path,)


def test_pickles_are_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    assert "Nothing is unpickled" in refused(tmp_path / "model.pt", tmp_path).message
    assert not (tmp_path / "exploded").exists()


def test_a_bare_state_dict_says_what_it_holds(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="only torch writes its own files")
    torch.save({"conv.weight": torch.zeros(2, 2)}, tmp_path / "model.pth")
    error = refused(tmp_path / "model.pth", tmp_path)
    assert "1 tensors, the first 'conv.weight'" in error.message and "config.json" in str(error.remedy)


def test_a_truncated_torch_file_is_not_taken_for_one_with_more_than_weights(tmp_path: Path) -> None:
    whole = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    (tmp_path / "model.bin").write_bytes(whole[:-5])
    error = refused(tmp_path / "model.bin", tmp_path)
    assert "model.bin is no PyTorch checkpoint of plain tensors: " in error.message
    assert "more in it than weights" not in error.message and "copy it again" in str(error.remedy)


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


def test_a_torch_export_archive_is_refused_for_it_would_be_unpickled(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt2", "w") as archive:
        archive.writestr("model/models/model.json", "{}")
    assert "torch.export archive" in refused(tmp_path / "model.pt2", tmp_path).message


def write_torchscript_names(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/code/__torch__.py", "")
        archive.writestr("model/constants.pkl", pickle.dumps(Bomb(path.parent / "exploded")))
    return path


def test_torchscript_asks_for_the_shape_of_its_inputs(tmp_path: Path) -> None:
    assert "--input 1x3x224x224" in str(refused(write_torchscript_names(tmp_path / "model.pt"), tmp_path).remedy)
    with pytest.raises(ConfigError, match="'1,3' is no shape"):
        import_source(tmp_path / "model.pt", None, tmp_path / "recipes", ["1,3"])


def test_damaged_torchscript_is_one_clear_error_and_runs_nothing(tmp_path: Path) -> None:
    path = write_torchscript_names(tmp_path / "model.pt")
    with pytest.raises(AssistantError, match="torch"):  # cannot convert it, or is not installed
        import_source(path, None, tmp_path / "recipes", ["1x3x16x16"])
    assert not (tmp_path / "exploded").exists() and not (tmp_path / "recipes").exists()


def test_torchscript_becomes_the_same_network(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch converts TorchScript, and is an extra")
    layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 14 * 14, 5)
    network = torch.nn.Sequential(*layers).eval()
    picture = torch.randn(1, 3, 16, 16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated, and still what many files are
        torch.jit.trace(network, picture).save(str(tmp_path / "model.pt"))
    folder = import_source(tmp_path / "model.pt", None, tmp_path / "recipes", ["1x3x16x16"])
    (found,) = exact_network(folder / "model.onnx")({"input_0": picture.numpy()}).values()
    np.testing.assert_allclose(found, network(picture).detach().numpy(), atol=1e-5)


def write_torchscript(path: Path, module: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("torch").jit.script(module).save(str(path))
    return path


def test_torchscript_that_becomes_another_network_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch converts TorchScript, and is an extra")

    class Noisy(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x):  # type: ignore[no-untyped-def]
            return x, x + torch.rand_like(x)

    path = write_torchscript(tmp_path / "model.pt", Noisy())
    with pytest.raises(AssistantError, match=r"computes something else: on one random input output 1 differs\."):
        import_source(path, None, tmp_path / "recipes", ["1x4"])
    assert not (tmp_path / "recipes").exists()


def test_torchscript_may_change_its_input_and_take_it_for_indices(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch converts TorchScript, and is an extra")

    class InPlace(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(3, 2)

        def forward(self, x):  # type: ignore[no-untyped-def]
            return self.table(x.long()), x.mul_(2.0).add_(1.0)

    path = write_torchscript(tmp_path / "model.pt", InPlace())
    folder = import_source(path, None, tmp_path / "recipes", ["1x4"])
    _, doubled = exact_network(folder / "model.onnx")({"input_0": np.ones((1, 4), np.float32)}).values()
    np.testing.assert_array_equal(doubled, np.full((1, 4), 3, np.float32))


def test_torchscript_may_answer_with_numbers_and_with_nothing(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch converts TorchScript, and is an extra")

    class Varied(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x):  # type: ignore[no-untyped-def]
            # type: (Tensor) -> Tuple[Tensor, Optional[Tensor], int]
            return x + 1.0, None, 3

    path = write_torchscript(tmp_path / "model.pt", Varied())
    folder = import_source(path, None, tmp_path / "recipes", ["1x4"])
    found = exact_network(folder / "model.onnx")({"input_0": np.zeros((1, 4), np.float32)})
    assert [array.tolist() for array in found.values()] == [[[1.0] * 4], 3]


def test_torchscript_that_refuses_random_numbers_was_converted_and_cannot_be_compared(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch converts TorchScript, and is an extra")

    class Zeros(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x):  # type: ignore[no-untyped-def]
            assert bool(x.sum() == 0), "not zero"
            return x + 1.0

    path = write_torchscript(tmp_path / "model.pt", Zeros())
    with pytest.raises(AssistantError, match=r"does not run on random numbers from 0 to 1: .*not zero"):
        import_source(path, None, tmp_path / "recipes", ["1x4"])


def relu(path: Path, **options: object) -> Path:
    node = helper.make_node("Relu", ["x"], ["y"], "relu")
    return write_model(path, [node], {}, inputs={"x": [1, 4]}, outputs={"y": [1, 4]}, **options)  # type: ignore[arg-type]


def not_onnx(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))


def truncated(path: Path) -> None:
    write_network(path)
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def too_new(path: Path) -> None:
    relu(path, opset=22)


def too_old(path: Path) -> None:
    relu(path, opset=11)


def custom_operator(path: Path) -> None:
    node = helper.make_node("FusedGelu", ["x"], ["y"], "gelu_7", domain="com.example")
    write_model(path, [node], {}, inputs={"x": [1, 4]}, outputs={"y": [1, 4]}, domains=["com.example"])


def nan_weights(path: Path) -> None:
    weights = {"bias": np.array([1, np.nan, np.inf, 0], np.float32)}
    node = helper.make_node("Add", ["x", "bias"], ["y"], "add")
    write_model(path, [node], weights, inputs={"x": [1, 4]}, outputs={"y": [1, 4]})


def external(path: Path, location: str) -> None:
    tensor = numpy_helper.from_array(np.ones(4, np.float32), "bias")
    external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    node = helper.make_node("Add", ["x", "bias"], ["y"], "add")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("x", "y")]
    graph = helper.make_graph([node], "g", values[:1], values[1:], [tensor])
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())


def missing_data(path: Path) -> None:
    external(path, "weights.bin")


def data_outside(path: Path) -> None:
    (path.parent.parent / "secret.bin").write_bytes(bytes(16))
    external(path, "../secret.bin")


def data_absolute(path: Path) -> None:
    external(path, "/etc/hostname")


def data_link_outside(path: Path) -> None:
    (path.parent.parent / "secret.bin").write_bytes(bytes(16))
    (path.parent / "weights.bin").symlink_to(path.parent.parent / "secret.bin")
    external(path, "weights.bin")


def data_too_short(path: Path) -> None:
    (path.parent / "weights.bin").write_bytes(bytes(7))
    external(path, "weights.bin")


def too_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2_100_000_000)  # takes no room on the disk


def data_too_large(path: Path) -> None:
    external(path, "weights.bin")
    model = onnx.load(path, load_external_data=False)
    model.graph.initializer[0].dims[:] = [1_000_000, 1_000]
    path.write_bytes(model.SerializeToString())
    with (path.parent / "weights.bin").open("wb") as file:
        file.truncate(4_000_000_000)


def weight_without_type(path: Path) -> None:
    external(path, "weights.bin")
    model = onnx.load(path, load_external_data=False)
    model.graph.initializer[0].data_type = 0
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (not_onnx, "is not an ONNX"),
        (truncated, "truncated"),
        (empty, "is not an ONNX model"),
        (too_new, "opset 22 is too new: expected 17 to 20"),
        (too_old, "opset 11 is too old: expected 17 to 20"),
        (custom_operator, "FusedGelu 'gelu_7' is a custom operator of the domain 'com.example'"),
        (nan_weights, "the weight 'bias' holds 2 values that are NaN or infinite, of 4"),
        (missing_data, "the external data of 'bias' is 'weights.bin', which is missing"),
        (data_outside, "is '../secret.bin', which is outside its folder"),
        (data_absolute, "is '/etc/hostname', which is outside its folder"),
        (data_link_outside, "is 'weights.bin', which is outside its folder"),
        (data_too_short, "expected 16 bytes at 0, the file has 7 in all"),
        (too_large, "is 2.1 GB with its weights: a network may have 2 GB"),
        (data_too_large, "is 4.0 GB with its weights: a network may have 2 GB"),
        (weight_without_type, "the weight 'bias' has no type of ONNX's"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_bad_networks_get_one_clear_error(write: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    path = tmp_path / "models" / "bad.onnx"
    path.parent.mkdir()
    write(path)
    error = refused(path, tmp_path)
    assert message in error.message
    assert str(path) in error.message and error.remedy


@pytest.mark.parametrize(
    "write",
    [missing_data, data_outside, data_link_outside, data_too_short, too_large, data_too_large, weight_without_type],
)
def test_the_lint_says_of_size_and_external_data_what_import_says(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "models" / "bad.onnx"
    path.parent.mkdir()
    write(path)
    with pytest.raises(AssistantError) as raised:
        lint_model(path, "jetpack6")
    assert str(raised.value) == str(refused(path, tmp_path))


def test_what_grows_too_large_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = import_source(write_network(tmp_path / "n.onnx"), None, tmp_path / "recipes")
    weights = sum(len(tensor.raw_data) for tensor in onnx.load(folder / "model.onnx").graph.initializer)
    monkeypatch.setattr("export.external_data.MOST_BYTES", weights - 1)
    with pytest.raises(AssistantError, match=r"out\.onnx is .* a network may have"):
        write_onnx(onnx.load(folder / "model.onnx"), tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_an_input_that_is_no_tensor_is_named(tmp_path: Path) -> None:
    path = relu(tmp_path / "bad.onnx")
    model = onnx.load(path)
    sequence = helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, None)
    model.graph.input.append(sequence)
    path.write_bytes(model.SerializeToString())
    assert "'s' is no tensor of a known type" in refused(path, tmp_path).message


def test_an_operator_that_onnxruntime_lacks_is_told_by_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["r"], "relu"), helper.make_node("Cast", ["r"], ["y"], "cast", to=1)]
    path = write_model(
        tmp_path / "n.onnx", nodes, {}, inputs={"x": [4]}, outputs={"y": [4]}, input_type=TensorProto.BFLOAT16
    )
    folder = import_source(path, None, tmp_path / "recipes")
    with pytest.raises(AssistantError, match=r"onnxruntime cannot run the network: .*Relu"):
        find_recipe(str(folder)).export([folder / "model.onnx"], tmp_path / "out.onnx")
    # As with onnxruntime-gpu, or what NVIDIA built for Jetson.
    monkeypatch.setattr(metadata, "version", Mock(side_effect=metadata.PackageNotFoundError("onnxruntime")))
    with pytest.raises(AssistantError, match=r"onnxruntime .* cannot run .*n\.onnx: .*Relu"):
        exact_network(path)


def test_an_open_axis_stops_the_build_with_its_name(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["x"], ["y"], "relu")
    path = write_model(tmp_path / "open.onnx", [node], {}, inputs={"x": ["batch", 4]}, outputs={"y": ["batch", 4]})
    folder = import_source(path, None, tmp_path / "recipes")
    recipe = folder / "recipe.py"
    recipe.write_text("\n".join(line for line in recipe.read_text().splitlines() if "sizes=" not in line))
    with pytest.raises(AssistantError, match=r"the input 'x' is not fixed: axis 0 \('batch'\) of \['batch', 4\]"):
        find_recipe(str(folder)).export([folder / "model.onnx"], tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


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
