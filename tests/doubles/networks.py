"""Small real networks as ONNX files, and bundles of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def tiny_network(
    path: Path, *, batch: int | str = 1, weights_type: int = TensorProto.FLOAT, scale: float = 1.0
) -> Path:
    """x (batch, 4) float32 → y (batch, 3) = softmax(x · W), p (batch, 3) = x · W. With FP16 weights the product is in
    FP16, between casts."""
    rng = np.random.default_rng(7)
    dtype = helper.tensor_dtype_to_np_dtype(weights_type)
    weights = numpy_helper.from_array((rng.normal(size=(4, 3)) * scale).astype(dtype), "W")
    nodes = [
        helper.make_node("Cast", ["x"], ["x_cast"], "into", to=weights_type),
        helper.make_node("MatMul", ["x_cast", "W"], ["product"], "product"),
        helper.make_node("Cast", ["product"], ["p"], "out_of", to=TensorProto.FLOAT),
        helper.make_node("Softmax", ["p"], ["y"], "softmax", axis=-1),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 4])]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, 3]) for name in ("y", "p")]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path
