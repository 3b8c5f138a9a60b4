"""What several operators share: constants, types, and the activations that stand alone or are fused into another."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from export.errors import ConversionError
from export.tfjs.builder import Array, GraphBuilder, Value
from export.tfjs.graph_model import Node

# Names of TensorFlow's DataType, and the numbers that some converters write instead (types.proto).
ONNX_TYPES = {
    "DT_FLOAT": TensorProto.FLOAT,
    "1": TensorProto.FLOAT,
    "DT_INT32": TensorProto.INT32,
    "3": TensorProto.INT32,
    "DT_BOOL": TensorProto.BOOL,
    "10": TensorProto.BOOL,
}


def constant_of(node: Node, value: Value) -> Array:
    """An operand that has to be known now. Raises `ConversionError` when it is computed by the graph."""
    if value.constant is None:
        raise ConversionError(
            f"{node} needs its operand '{value.name}' to be a constant, but the graph computes it.",
            remedy="Freeze the model with fixed shapes before converting it to TensorFlow.js.",
        )
    return value.constant


def integers_of(node: Node, value: Value) -> list[int]:
    """A constant operand as Python integers, a scalar as one."""
    return [int(item) for item in np.ravel(constant_of(node, value))]


def activation(builder: GraphBuilder, node: Node, name: str, value: Value, slope: Value | None) -> Value:
    """Apply an activation by its TensorFlow name; `slope` is Prelu's. The layout stays."""
    channels_first = value.channels_first
    if name in ("Relu", "Sigmoid"):
        return builder.emit(name, [value], channels_first=channels_first)
    if name == "Relu6":
        limits = [builder.constant(np.float32(0)), builder.constant(np.float32(6))]
        return builder.emit("Clip", [value, *limits], channels_first=channels_first)
    if name == "Prelu" and slope is not None:
        values, channels_first = builder.together([value, slope])
        return builder.emit("PRelu", values, channels_first=channels_first)
    if name == "LeakyRelu":
        return builder.emit(name, [value], {"alpha": node.get("leakyrelu_alpha", 0.2)}, channels_first=channels_first)
    raise ConversionError(f"{node} has the activation '{name}', which is not supported.")
