"""Networks that no device could run, or that nobody can read: each gets one clear error and leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from assistant.errors import AssistantError
from export.importing import import_source
from export.lint import lint_model
from export.onnx_file import write_onnx
from export.recipes_of_yours import find_recipe
from export.reference import exact_network
from tests.doubles.checkpoints import refused
from tests.doubles.tiny_networks import write_model, write_network


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


def test_an_input_without_a_shape_is_refused(tmp_path: Path) -> None:
    path = relu(tmp_path / "bad.onnx")
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.ClearField("shape")
    path.write_bytes(model.SerializeToString())
    assert "Field 'shape'" in refused(path, tmp_path).message
    (finding,) = lint_model(path, "jetpack6")
    assert (finding.rule, finding.node, finding.severity) == ("dynamic-axis", "x", "error")
