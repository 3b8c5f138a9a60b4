"""Sensitivity: the layer that INT8 ruins comes first, and sparing it helps; errors add up along the network."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from assistant.inference.bundle import Precision
from export.calibration import calibrate
from export.errors import CalibrationError, QuantizationError
from export.quantize import QuantizeOptions, emit, per_layer_sqnr, sensitivity
from export.quantize.sensitivity import measured_tensors
from tests.doubles.tiny_networks import INPUT, samples, write_model, write_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose second convolution has one input channel 300 times as large as the others."""
    folder = tmp_path_factory.mktemp("sensitivity")
    path = write_network(folder / "network.onnx")
    model = onnx.load(path)
    arrays = {item.name: onnx.numpy_helper.to_array(item).copy() for item in model.graph.initializer}
    arrays["w1"][0] *= 300
    arrays["w2"][:, 0] /= 300
    write_model(
        path,
        [node for node in model.graph.node if node.name != "residual"],
        arrays,
        inputs={INPUT: [1, 3, 16, 16]},
        outputs={"classes": [1, 10]},
    )
    model = onnx.load(path)
    for node in model.graph.node:
        node.input[:] = ["c2" if name == "a1" else name for name in node.input]
    path.write_bytes(model.SerializeToString())
    calibrate(path, samples(8), "minmax", folder / "calibration.npz")
    return folder


def _network(folder: Path) -> tuple[Path, Path]:
    return folder / "network.onnx", folder / "calibration.npz"


@pytest.mark.parametrize("precision", ["int8-trt", "int8-ort"])
def test_the_layer_with_outliers_comes_first(folder: Path, precision: Precision) -> None:
    network, calibration = _network(folder)
    ranking = sensitivity(network, calibration, samples(3), precision)
    assert ranking[0].node == "conv2"
    assert {layer.node for layer in ranking} == {"conv1", "conv2", "classify"}
    assert [layer.sqnr_db for layer in ranking] == sorted(layer.sqnr_db for layer in ranking)
    assert ranking[0].sqnr_db < ranking[1].sqnr_db - 6
    assert ranking[0].worst_output == "classes"


def test_sparing_the_most_sensitive_layer_raises_the_outputs_ratio(folder: Path, tmp_path: Path) -> None:
    network, calibration = _network(folder)
    ranking = sensitivity(network, calibration, samples(3), "int8-trt")
    ratios = {}
    for worst in (0, 1):
        options = QuantizeOptions(exclude_nodes=tuple(layer.node for layer in ranking[:worst]))
        emit(network, calibration, "int8-trt", options, tmp_path / "m.onnx")
        layers = {layer.node: layer for layer in per_layer_sqnr(network, tmp_path / "m.onnx", samples(3))}
        ratios[worst] = layers["softmax"].sqnr_db
    assert ratios[1] > ratios[0] + 3


def test_the_error_of_each_layer_is_told_in_the_graphs_order(folder: Path, tmp_path: Path) -> None:
    network, calibration = _network(folder)
    emit(network, calibration, "int8-ort", QuantizeOptions(exclude_nodes=("conv1",)), tmp_path / "m.onnx")
    layers = per_layer_sqnr(network, tmp_path / "m.onnx", samples(2))
    assert [layer.node for layer in layers][-1] == "softmax"
    by_node = {layer.node: layer for layer in layers}
    assert by_node["conv1"].sqnr_db == 200.0
    assert by_node["classify"].sqnr_db < 60


def test_what_a_dropped_relu_would_cut_off_is_no_noise(tmp_path: Path) -> None:
    network = write_network(tmp_path / "network.onnx")
    calibrate(network, samples(8), "minmax", tmp_path / "calibration.npz")
    emit(network, tmp_path / "calibration.npz", "int8-ort", QuantizeOptions(), tmp_path / "m.onnx")
    assert "Relu" not in {node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node}
    by_node = {layer.node: layer for layer in per_layer_sqnr(network, tmp_path / "m.onnx", samples(2))}
    assert by_node["relu1"].sqnr_db > 30


def test_two_measurements_agree_exactly(folder: Path) -> None:
    network, calibration = _network(folder)
    assert sensitivity(network, calibration, samples(2), "int8-trt") == sensitivity(
        network, calibration, samples(2), "int8-trt"
    )


def test_errors_are_measured_before_a_choice() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["scores"], "relu"),
        helper.make_node("TopK", ["scores", "k"], ["best", "index"], "top"),
        helper.make_node("Mul", ["best", "best"], ["squared"], "square"),
    ]
    values = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "scores", "squared")}
    graph = helper.make_graph(nodes, "g", [values["x"]], [values["squared"], values["scores"]])
    assert measured_tensors(helper.make_model(graph)) == ["scores"]


def test_what_cannot_be_measured_says_why(folder: Path) -> None:
    network, calibration = _network(folder)
    with pytest.raises(CalibrationError, match="no samples"):
        sensitivity(network, calibration, [], "int8-trt")
    with pytest.raises(QuantizationError, match="not for fp16"):
        sensitivity(network, calibration, samples(1), "fp16")


def test_a_network_has_no_error_against_itself(folder: Path) -> None:
    network, _ = _network(folder)
    layers = per_layer_sqnr(network, network, samples(2))
    assert {layer.sqnr_db for layer in layers} == {200.0}
