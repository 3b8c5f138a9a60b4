"""Small networks with fixed weights, and samples for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

INPUT = "picture"


def write_model(
    path: Path,
    nodes: Sequence[NodeProto],
    weights: dict[str, NDArray[Any]],
    *,
    inputs: dict[str, Sequence[int | str]] | None = None,
    outputs: dict[str, Sequence[int | str]],
    opset: int = 17,
    input_type: int = TensorProto.FLOAT,
    domains: Sequence[str] = (),
) -> Path:
    """An ONNX file from its parts."""
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info(name, input_type, shape) for name, shape in (inputs or {}).items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), path)
    return path


def write_network(path: Path, *, seed: int = 0, opset: int = 17) -> Path:
    """1×3×16×16 → two convolutions, a residual, a Sigmoid, pooling, Gemm → Softmax over 10 classes."""
    rng = np.random.default_rng(seed)

    def weight(*shape: int) -> NDArray[np.float32]:
        fan_in = float(np.prod(shape[1:]))
        return (rng.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32)

    nodes = [
        helper.make_node("Conv", [INPUT, "w1", "b1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["a1"], "residual"),
        helper.make_node("Sigmoid", ["a1"], ["s1"], "gate"),
        helper.make_node("Mul", ["a1", "s1"], ["m1"], "swish"),
        helper.make_node("GlobalAveragePool", ["m1"], ["g1"], "pool"),
        helper.make_node("Flatten", ["g1"], ["f1"], "flatten"),
        helper.make_node("Gemm", ["f1", "w3", "b3"], ["logits"], "classify", transB=1),
        helper.make_node("Softmax", ["logits"], ["classes"], "softmax"),
    ]
    weights = {
        "w1": weight(8, 3, 3, 3),
        "b1": weight(8),
        "w2": weight(8, 8, 3, 3),
        "b2": weight(8),
        "w3": 4 * weight(10, 8),
        "b3": weight(10),
    }
    return write_model(path, nodes, weights, inputs={INPUT: [1, 3, 16, 16]}, outputs={"classes": [1, 10]}, opset=opset)


def samples(count: int, seed: int = 1) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Pictures of smooth noise in [-1, 1]."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        coarse = rng.uniform(-1, 1, (1, 3, 4, 4))
        yield {INPUT: coarse.repeat(4, axis=2).repeat(4, axis=3).astype(np.float32)}
