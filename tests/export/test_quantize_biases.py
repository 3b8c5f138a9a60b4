"""Products with biases in INT8: onnxruntime finds integer kernels for them, and nothing is rounded in between."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import helper

from export.calibration import calibrate
from export.quantize import QuantizeOptions, emit, sensitivity
from tests.doubles.tiny_networks import write_model

KERNELS = {2: "QGemm", 3: "MatMulIntegerToFloat"}
"""By the number of the product's axes."""


def _samples(rank: int) -> list[dict[str, NDArray[np.float32]]]:
    rng = np.random.default_rng(3)
    return [{"x": rng.standard_normal([1] * (rank - 2) + [8, 16]).astype(np.float32)} for _ in range(4)]


def _quantized(folder: Path, network: Path, options: QuantizeOptions) -> dict[str, tuple[str, bool]]:
    """Name → operator, and whether its first input is INT8, of the nodes with a name of `network`'s."""
    emit(network, folder / "calibration.npz", "int8-ort", options, folder / "int8.onnx")
    model = onnx.load(folder / "int8.onnx")
    integers = {node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    known = {node.name for node in onnx.load(network).graph.node}
    return {node.name: (node.op_type, node.input[0] in integers) for node in model.graph.node if node.name in known}


def _network(folder: Path, rank: int) -> Path:
    """y = (x · w + b) · tanh(b): the bias is read again, where it must stay as it is."""
    rng = np.random.default_rng(0)
    shape = [*[1] * (rank - 2), 8, 16]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"], "project"),
        helper.make_node("Add", ["b", "product"], ["sum"], "bias"),
        helper.make_node("Tanh", ["b"], ["curve"], "tanh"),
        helper.make_node("Mul", ["sum", "curve"], ["y"], "scale"),
    ]
    weights = {"w": rng.standard_normal((16, 16)).astype(np.float32), "b": np.linspace(1, 9, 16, dtype=np.float32)}
    path = write_model(folder / "network.onnx", nodes, weights, inputs={"x": shape}, outputs={"y": shape})
    calibrate(path, _samples(rank), "minmax", folder / "calibration.npz")
    return path


def _emitted(folder: Path, rank: int) -> Path:
    network = _network(folder, rank)
    emit(network, folder / "calibration.npz", "int8-ort", QuantizeOptions(), folder / "int8.onnx")
    return folder / "int8.onnx"


def _run_as_onnxruntime_likes_it(model: Path) -> list[str]:
    """The operators of the graph that onnxruntime really runs."""
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(model.with_suffix(".optimized.onnx"))
    options.log_severity_level = 3
    ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]


@pytest.mark.parametrize("rank", KERNELS)
def test_an_integer_kernel_computes_the_product_and_answers_in_float(tmp_path: Path, rank: int) -> None:
    operators = _run_as_onnxruntime_likes_it(_emitted(tmp_path, rank))
    assert KERNELS[rank] in operators
    assert operators.count("QuantizeLinear") == 1  # x alone
    assert not {"Gemm", "MatMul"} & set(operators)


def _saturates() -> bool:
    """Whether sums of two products are cut off at 16 bits: on x86 before VNNI.

    https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
    """
    about = Path("/proc/cpuinfo")
    flags = about.read_text() if about.is_file() else ""
    return platform.machine() == "x86_64" and "vnni" not in flags


@pytest.mark.parametrize(
    "kernels",
    [False, pytest.param(True, marks=pytest.mark.skipif(_saturates(), reason="the kernels of this CPU saturate"))],
    ids=["as written", "by the kernels"],
)
@pytest.mark.parametrize("rank", KERNELS)
def test_the_answer_is_that_of_fp32(tmp_path: Path, rank: int, kernels: bool) -> None:
    options = ort.SessionOptions()
    if not kernels:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    int8 = ort.InferenceSession(_emitted(tmp_path, rank), options, providers=["CPUExecutionProvider"])
    exact = ort.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    for sample in _samples(rank):
        (expected,), (got,) = exact.run(None, sample), int8.run(None, sample)
        assert got.shape == expected.shape
        assert np.abs(got - expected).max() < 0.01 * np.ptp(expected)


@pytest.mark.parametrize("rank", KERNELS)
def test_a_product_can_be_ranked_by_its_name(tmp_path: Path, rank: int) -> None:
    network = _network(tmp_path, rank)
    (layer,) = sensitivity(network, tmp_path / "calibration.npz", _samples(rank)[:1], "int8-ort")
    assert layer.node == "project"
    assert 20 < layer.sqnr_db < 70


def _two_products(folder: Path) -> Path:
    """y = (x · w + b) as a MatMul and an Add, and as a Gemm behind it."""
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"], "project"),
        helper.make_node("Add", ["product", "b"], ["sum"], "bias"),
        helper.make_node("Gemm", ["sum", "w", "b"], ["y"], "classify"),
    ]
    weights = {name: rng.standard_normal(size).astype(np.float32) for name, size in (("w", (16, 16)), ("b", 16))}
    path = write_model(folder / "network.onnx", nodes, weights, inputs={"x": [8, 16]}, outputs={"y": [8, 16]})
    calibrate(path, _samples(2), "minmax", folder / "calibration.npz")
    return path


@pytest.mark.parametrize(
    ("options", "project", "classify"),
    [
        (QuantizeOptions(), ("Gemm", True), ("Gemm", True)),
        (QuantizeOptions(exclude_operators=("MatMul",)), ("MatMul", False), ("Gemm", True)),
        (QuantizeOptions(exclude_operators=("Gemm",)), ("Gemm", True), ("Gemm", False)),
        (QuantizeOptions(operators=("MatMul",)), ("Gemm", True), ("Gemm", False)),
        (QuantizeOptions(exclude_nodes=("project",)), ("MatMul", False), ("Gemm", True)),
    ],
    ids=["all", "no MatMul", "no Gemm", "MatMul alone", "not the node"],
)
def test_operators_are_chosen_as_the_network_has_them(
    options: QuantizeOptions, project: tuple[str, bool], classify: tuple[str, bool], tmp_path: Path
) -> None:
    nodes = _quantized(tmp_path, _two_products(tmp_path), options)
    assert (nodes["project"], nodes["classify"]) == (project, classify)


@pytest.mark.parametrize(("columns", "biases"), [(1, 5), (16, 1)])
def test_what_widens_a_product_or_is_one_for_all_is_no_bias(columns: int, biases: int, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"], "project"),
        helper.make_node("Add", ["product", "b"], ["y"], "add"),
    ]
    weights = {"w": np.ones((16, columns), np.float32), "b": np.ones(biases, np.float32)}
    width = max(columns, biases)
    network = write_model(tmp_path / "n.onnx", nodes, weights, inputs={"x": [8, 16]}, outputs={"y": [8, width]})
    calibrate(network, _samples(2), "minmax", tmp_path / "calibration.npz")
    assert _quantized(tmp_path, network, QuantizeOptions())["project"] == ("MatMul", True)
    onnx.checker.check_model(onnx.load(tmp_path / "int8.onnx"), full_check=True)


def test_what_is_picked_from_a_table_has_not_its_columns(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Gather", ["table", "one"], ["picked"], "pick", axis=1),
        helper.make_node("MatMul", ["rows", "picked"], ["product"], "project"),
        helper.make_node("Add", ["product", "b"], ["sum"], "add"),
        helper.make_node("Add", ["sum", "x"], ["y"], "mix"),
    ]
    floats = {name: np.ones(size, np.float32) for name, size in (("table", (20, 16)), ("rows", (8, 20)), ("b", 16))}
    weights = {**floats, "one": np.array([3])}
    network = write_model(tmp_path / "n.onnx", nodes, weights, inputs={"x": [8, 16]}, outputs={"y": [8, 16]})
    calibrate(network, _samples(2), "minmax", tmp_path / "calibration.npz")
    assert _quantized(tmp_path, network, QuantizeOptions())["project"] == ("MatMul", True)
    onnx.checker.check_model(onnx.load(tmp_path / "int8.onnx"), full_check=True)
