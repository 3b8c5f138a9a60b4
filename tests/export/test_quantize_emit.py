"""Emitted files: what each precision's graph is made of, that it still computes the same, and that bytes repeat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from assistant.inference.bundle import PRECISIONS, Precision
from export.calibration import calibrate
from export.errors import CalibrationError, ConversionError, QuantizationError
from export.quantize import QuantizeOptions, emit
from tests.doubles.tiny_networks import INPUT, samples, write_model, write_network

DEFAULT = QuantizeOptions()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quantize")
    network = write_network(folder / "network.onnx")
    calibrate(network, samples(16), "minmax", folder / "calibration.npz")
    return folder


def _emit(folder: Path, out: Path, precision: Precision, options: QuantizeOptions = DEFAULT) -> ModelProto:
    emit(folder / "network.onnx", folder / "calibration.npz", precision, options, out)
    return onnx.load(out)


def _answers(model: Path) -> NDArray[np.float32]:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, sample)[0].ravel() for sample in samples(8, seed=5)])


def _constants(model: ModelProto) -> dict[str, TensorProto]:
    return {item.name: item for item in model.graph.initializer}


def _inputs_of(model: ModelProto, name: str) -> set[str]:
    """Operators that make the inputs of a node."""
    makers = {output: node.op_type for node in model.graph.node for output in node.output}
    (node,) = [node for node in model.graph.node if node.name == name]
    return {makers.get(item, "") for item in node.input}


@pytest.mark.parametrize(
    ("precision", "tolerance"), [("fp32", 0.0), ("fp16", 1e-3), ("int8-trt", 0.02), ("int8-ort", 0.02)]
)
def test_every_precision_answers_like_fp32(
    folder: Path, tmp_path: Path, precision: Precision, tolerance: float
) -> None:
    _emit(folder, tmp_path / "m.onnx", precision)
    reference = _answers(folder / "network.onnx")
    assert reference.max() > 0.2
    assert np.abs(_answers(tmp_path / "m.onnx") - reference).max() <= tolerance


@pytest.mark.parametrize("precision", PRECISIONS)
def test_two_emits_give_the_same_bytes(folder: Path, tmp_path: Path, precision: Precision) -> None:
    _emit(folder, tmp_path / "a.onnx", precision)
    _emit(folder, tmp_path / "b.onnx", precision)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_inputs_and_outputs_stay_as_they_are(folder: Path, tmp_path: Path, precision: Precision) -> None:
    before, after = onnx.load(folder / "network.onnx"), _emit(folder, tmp_path / "m.onnx", precision)
    assert list(after.graph.input) == list(before.graph.input)
    assert list(after.graph.output) == list(before.graph.output)


@pytest.mark.parametrize("fp16_rest", [True, False])
def test_int8_for_tensorrt_is_symmetric_signed_per_channel_and_leaves_biases(
    folder: Path, tmp_path: Path, fp16_rest: bool
) -> None:
    model = _emit(folder, tmp_path / "m.onnx", "int8-trt", QuantizeOptions(fp16_rest=fp16_rest))
    constants = _constants(model)
    quantizers = [node for node in model.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]
    for node in quantizers:
        zero_point = constants[node.input[2]]
        assert zero_point.data_type == TensorProto.INT8
        assert not numpy_helper.to_array(zero_point).any()
    assert numpy_helper.to_array(constants["w1_quantized"]).dtype == np.int8
    assert constants["w1_scale"].dims == [8]
    assert constants["b1"].data_type == (TensorProto.FLOAT16 if fp16_rest else TensorProto.FLOAT)
    assert "DequantizeLinear" in _inputs_of(model, "conv2")


def test_int8_for_onnxruntime_has_unsigned_activations_and_signed_weights_per_channel(
    folder: Path, tmp_path: Path
) -> None:
    constants = _constants(_emit(folder, tmp_path / "m.onnx", "int8-ort"))
    assert constants["w2_quantized"].data_type == TensorProto.INT8
    assert constants["w2_scale"].dims == [8]
    assert constants["r1_zero_point"].data_type == TensorProto.UINT8
    assert constants["b2_quantized"].data_type == TensorProto.INT32


@pytest.mark.parametrize(("precision", "quantized"), [("int8-ort", False), ("int8-trt", True)])
def test_only_tensorrt_gets_products_of_activations_in_int8(
    tmp_path: Path, precision: Precision, quantized: bool
) -> None:
    nodes = [
        helper.make_node("Abs", ["x"], ["keys"], "abs"),
        helper.make_node("MatMul", ["x", "keys"], ["scores"], "attention"),
        helper.make_node("MatMul", ["scores", "w"], ["y"], "project"),
    ]
    weights = {"w": np.eye(4, dtype=np.float32)}
    network = write_model(tmp_path / "n.onnx", nodes, weights, inputs={"x": [4, 4]}, outputs={"y": [4, 4]})
    calibrate(network, [{"x": np.eye(4, dtype=np.float32)}], "minmax", tmp_path / "c.npz")
    emit(network, tmp_path / "c.npz", precision, QuantizeOptions(fp16_rest=False), tmp_path / "m.onnx")
    model = onnx.load(tmp_path / "m.onnx")
    assert "DequantizeLinear" in _inputs_of(model, "project")
    assert ("DequantizeLinear" in _inputs_of(model, "attention")) == quantized


@pytest.mark.parametrize("precision", ["fp16", "int8-trt"])
def test_sigmoid_and_softmax_stay_in_fp32(folder: Path, tmp_path: Path, precision: Precision) -> None:
    model = onnx.shape_inference.infer_shapes(_emit(folder, tmp_path / "m.onnx", precision))
    types = {item.name: item.type.tensor_type.elem_type for item in model.graph.value_info}
    by_name = {node.name: node for node in model.graph.node}
    assert types[by_name["gate"].input[0]] == TensorProto.FLOAT
    assert types[by_name["softmax"].input[0]] == TensorProto.FLOAT
    assert types[by_name["conv1"].output[0]] == TensorProto.FLOAT16


def test_operators_and_nodes_can_be_excluded(folder: Path, tmp_path: Path) -> None:
    model = _emit(folder, tmp_path / "m.onnx", "int8-ort", QuantizeOptions(exclude_nodes=("conv1",)))
    assert _inputs_of(model, "conv1") == {""}
    assert "DequantizeLinear" in _inputs_of(model, "conv2")
    model = _emit(folder, tmp_path / "m.onnx", "int8-ort", QuantizeOptions(exclude_operators=("Conv",)))
    assert "w1_quantized" not in _constants(model)
    assert "w3_quantized" in _constants(model)
    model = _emit(folder, tmp_path / "m.onnx", "fp16", QuantizeOptions(exclude_nodes=("conv1",)))
    assert _constants(model)["w1"].data_type == TensorProto.FLOAT
    assert _constants(model)["w2"].data_type == TensorProto.FLOAT16


def test_what_is_spared_from_int8_is_fp16_for_tensorrt(folder: Path, tmp_path: Path) -> None:
    model = _emit(folder, tmp_path / "m.onnx", "int8-trt", QuantizeOptions(exclude_nodes=("conv1",)))
    assert _constants(model)["w1"].data_type == TensorProto.FLOAT16
    assert _constants(model)["w2_quantized"].data_type == TensorProto.INT8


def test_values_that_fp16_cannot_hold_keep_their_node_in_fp32(tmp_path: Path) -> None:
    network = write_model(
        tmp_path / "n.onnx",
        [
            helper.make_node("Mul", ["x", "large"], ["y"], "large_values"),
            helper.make_node("Mul", ["y", "small"], ["z"], "back"),
            helper.make_node("Add", ["z", "one"], ["a"], "small_values"),
        ],
        {name: np.array([value], np.float32) for name, value in (("large", 6e4), ("small", 1e-6), ("one", 1.0))},
        inputs={"x": [4]},
        outputs={"a": [4]},
    )
    feed = {"x": np.arange(4, dtype=np.float32)}
    calibrate(network, [feed], "minmax", tmp_path / "c.npz")
    emit(network, tmp_path / "c.npz", "fp16", DEFAULT, tmp_path / "m.onnx")
    (answer,) = ort.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"]).run(None, feed)
    np.testing.assert_allclose(answer, 1 + 0.06 * feed["x"], rtol=2e-3)
    assert _constants(onnx.load(tmp_path / "m.onnx"))["one"].data_type == TensorProto.FLOAT16


def test_a_tensor_that_two_fp32_nodes_read_is_cast_once(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], "relu"),
        helper.make_node("Sigmoid", ["r"], ["s"], "sigmoid"),
        helper.make_node("Exp", ["r"], ["e"], "exp"),
        helper.make_node("Add", ["s", "e"], ["y"], "add"),
    ]
    network = write_model(tmp_path / "n.onnx", nodes, {}, inputs={"x": [4]}, outputs={"y": [4]})
    emit(network, None, "fp16", DEFAULT, tmp_path / "m.onnx")
    ort.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])


def _failures(folder: Path) -> dict[str, tuple[Precision, Path | None, QuantizeOptions, str]]:
    calibration = folder / "calibration.npz"
    return {
        "no calibration": ("int8-ort", None, DEFAULT, "int8-ort needs a calibration"),
        "unknown node": ("int8-ort", calibration, QuantizeOptions(exclude_nodes=("conv9",)), "no node 'conv9'"),
        "nothing left": ("int8-ort", calibration, QuantizeOptions(operators=("Gather",)), "no node to quantize"),
        "precision": ("int4", calibration, DEFAULT, "fp32, fp16, int8-trt, int8-ort"),  # type: ignore[dict-item]
    }


@pytest.mark.parametrize("case", ["no calibration", "unknown node", "nothing left", "precision"])
def test_what_cannot_be_emitted_says_why_and_writes_nothing(folder: Path, tmp_path: Path, case: str) -> None:
    precision, calibration, options, message = _failures(folder)[case]
    with pytest.raises(QuantizationError, match=message):
        emit(folder / "network.onnx", calibration, precision, options, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_a_library_raises_is_told_as_ours(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: object, **_options: object) -> ModelProto:
        raise KeyError("conv1_quantized")

    monkeypatch.setattr("onnxruntime.transformers.float16.convert_float_to_float16", fails)
    with pytest.raises(QuantizationError, match=r"cannot be written as fp16: KeyError: 'conv1_quantized'"):
        emit(folder / "network.onnx", None, "fp16", DEFAULT, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_calibration_of_another_network_is_refused(folder: Path, tmp_path: Path) -> None:
    other = write_model(
        tmp_path / "other.onnx",
        [helper.make_node("Relu", ["x"], ["y"], "relu")],
        {},
        inputs={"x": [4]},
        outputs={"y": [4]},
    )
    calibrate(other, [{"x": np.ones(4, np.float32)}], "minmax", tmp_path / "c.npz")
    with pytest.raises(QuantizationError, match=f"does not fit.*{INPUT}"):
        emit(folder / "network.onnx", tmp_path / "c.npz", "int8-trt", DEFAULT, tmp_path / "m.onnx")
    with pytest.raises(CalibrationError, match=r"none\.npz"):
        emit(folder / "network.onnx", tmp_path / "none.npz", "int8-trt", DEFAULT, tmp_path / "m.onnx")


def test_an_old_opset_and_what_is_not_onnx_are_refused(folder: Path, tmp_path: Path) -> None:
    old = write_network(tmp_path / "old.onnx", opset=13)
    with pytest.raises(QuantizationError, match=r"old\.onnx has opset 13: expected 17 to 20"):
        emit(old, folder / "calibration.npz", "int8-trt", DEFAULT, tmp_path / "m.onnx")
    text = tmp_path / "text.onnx"
    text.write_text("a poem")
    with pytest.raises(ConversionError, match=r"text\.onnx is not an ONNX model"):
        emit(text, None, "fp32", DEFAULT, tmp_path / "m.onnx")
