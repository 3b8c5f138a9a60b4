"""Magnitude pruning: the smallest weights of each layer become zero. The accuracy gate judges the result as any other.

Zeros make a file compress better, not run faster: neither onnxruntime nor TensorRT skips unstructured zeros.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from export.onnx_file import write_onnx

_LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def prune_file(source: Path, share: float, target: Path) -> None:
    """Set the `share` (0 to 1) of each layer's weights with the smallest magnitude to zero."""
    model = onnx.load(source)
    weights = {name for node in model.graph.node if node.op_type in _LAYERS for name in node.input[:2]}
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name not in weights or values.ndim < 2 or values.dtype.kind != "f":
            continue
        magnitudes = np.abs(values).ravel()
        count = int(share * magnitudes.size)
        pruned = values.copy().ravel()
        pruned[np.argsort(magnitudes, kind="stable")[:count]] = 0
        tensor.CopyFrom(numpy_helper.from_array(pruned.reshape(values.shape), tensor.name))
    write_onnx(model, target)
