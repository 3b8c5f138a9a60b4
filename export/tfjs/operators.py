"""Every TensorFlow.js operator that is understood, as a table from its name to a small function.

A function takes the operator's node and its operands and gives the values of its outputs. Semantics:
https://www.tensorflow.org/api_docs/python/tf/raw_ops and https://onnx.ai/onnx/operators/ (opset 17).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from onnx import TensorProto

from export.errors import ConversionError
from export.tfjs.builder import GraphBuilder, Value
from export.tfjs.graph_model import Node
from export.tfjs.operator_support import ONNX_TYPES, activation, constant_of, integers_of
from export.tfjs.operators_image import IMAGE_OPERATORS

Converter = Callable[[GraphBuilder, Node, Sequence[Value]], list[Value]]


def _identity(_builder: GraphBuilder, _node: Node, operands: Sequence[Value]) -> list[Value]:
    return [operands[0]]


def _element_wise(onnx_op: str) -> Converter:
    def convert(builder: GraphBuilder, _node: Node, operands: Sequence[Value]) -> list[Value]:
        values, channels_first = builder.together(operands)
        return [builder.emit(onnx_op, values, channels_first=channels_first)]

    return convert


def _activation(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    slope = operands[1] if len(operands) > 1 else None
    return [activation(builder, node, node.op, operands[0], slope)]


def _cast(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    to = ONNX_TYPES.get(node.get("DstT"))
    if to is None:
        raise ConversionError(f"{node} casts to '{node.get('DstT')}', which is not supported.")
    return [builder.emit("Cast", operands, {"to": to}, channels_first=operands[0].channels_first)]


def _squared_difference(builder: GraphBuilder, _node: Node, operands: Sequence[Value]) -> list[Value]:
    values, channels_first = builder.together(operands)
    difference = builder.emit("Sub", values, channels_first=channels_first)
    return [builder.emit("Mul", [difference, difference], channels_first=channels_first)]


def _floor_division(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    """ONNX divides integers towards zero, TensorFlow downwards: take the remainder (which has the divisor's sign) off
    first. For floats the quotient itself is rounded down."""
    values, channels_first = builder.together(operands)
    if node.get("T") == "DT_FLOAT":
        quotient = builder.emit("Div", values, channels_first=channels_first)
        return [builder.emit("Floor", [quotient], channels_first=channels_first)]
    remainder = builder.emit("Mod", values, channels_first=channels_first)
    multiple = builder.emit("Sub", [values[0], remainder], channels_first=channels_first)
    return [builder.emit("Div", [multiple, values[1]], channels_first=channels_first)]


def _floor_modulo(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    """ONNX's Mod follows the divisor's sign for integers only."""
    values, channels_first = builder.together(operands)
    if node.get("T") != "DT_FLOAT":
        return [builder.emit("Mod", values, channels_first=channels_first)]
    [floored] = _floor_division(builder, node, operands)
    multiple = builder.emit("Mul", [floored, values[1]], channels_first=channels_first)
    return [builder.emit("Sub", [values[0], multiple], channels_first=channels_first)]


def _softmax(builder: GraphBuilder, _node: Node, operands: Sequence[Value]) -> list[Value]:
    channels_first = operands[0].channels_first
    axis = 1 if channels_first else -1
    return [builder.emit("Softmax", operands, {"axis": axis}, channels_first=channels_first)]


def _mat_mul(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    fused = list(node.get("fused_ops", ()))
    transposes = {"transA": int(node.get("transpose_a", False)), "transB": int(node.get("transpose_b", False))}
    operands = [builder.plain(value) for value in operands]
    terms = 3 if fused[:1] == ["BiasAdd"] else 2
    result = builder.emit("Gemm", operands[:terms], transposes)
    rest = fused[terms - 2 :]
    if rest:
        result = activation(builder, node, rest[0], result, operands[terms] if len(operands) > terms else None)
    return [result]


def _reshape(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    shape = integers_of(node, operands[1])
    return [builder.emit("Reshape", [builder.plain(operands[0]), builder.int64s(*shape)])]


def _squeeze(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    axes = node.get("squeeze_dims") or node.get("axis") or []
    axes_input = [builder.int64s(*axes)] if axes else []
    return [builder.emit("Squeeze", [builder.plain(operands[0]), *axes_input])]


def _expand_dims(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    axes = integers_of(node, operands[1])
    return [builder.emit("Unsqueeze", [builder.plain(operands[0]), builder.int64s(*axes)])]


def _transpose(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    return [builder.emit("Transpose", [builder.plain(operands[0])], {"perm": integers_of(node, operands[1])})]


def _pack(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    axis = node.get("axis", 0)
    columns = [builder.emit("Unsqueeze", [builder.plain(value), builder.int64s(axis)]) for value in operands]
    return [builder.emit("Concat", columns, {"axis": axis})]


def _unpack(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    axis, count = node.get("axis", 0), node.get("num")
    source = builder.plain(operands[0])
    parts = builder.emit_many("Split", [source], {"axis": axis}, outputs=count) if count > 1 else [source]
    return [builder.emit("Squeeze", [part, builder.int64s(axis)]) for part in parts]


def _top_k(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    count = builder.int64s(*integers_of(node, operands[1]))
    attributes = {"axis": -1, "sorted": int(node.get("sorted", True))}
    values, indices = builder.emit_many("TopK", [builder.plain(operands[0]), count], attributes, outputs=2)
    return [values, builder.emit("Cast", [indices], {"to": TensorProto.INT32})]


def _arg_max(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    [axis] = integers_of(node, operands[1])
    result = builder.emit("ArgMax", [builder.plain(operands[0])], {"axis": axis, "keepdims": 0})
    # TensorFlow.js has no 64-bit integers: what the graph calls DT_INT64 is int32 to everything downstream.
    return [builder.emit("Cast", [result], {"to": TensorProto.INT32})]


def _gather(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    if node.get("batch_dims", 0):
        raise ConversionError(f"{node} gathers with batch_dims={node.get('batch_dims')}, which is not supported.")
    [axis] = integers_of(node, operands[2])
    return [builder.emit("Gather", [builder.plain(value) for value in operands[:2]], {"axis": axis})]


def _gather_nd(builder: GraphBuilder, _node: Node, operands: Sequence[Value]) -> list[Value]:
    indices = builder.emit("Cast", [builder.plain(operands[1])], {"to": TensorProto.INT64})
    return [builder.emit("GatherND", [builder.plain(operands[0]), indices])]


def _strided_slice(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    for mask in ("ellipsis_mask", "new_axis_mask"):
        if node.get(mask, 0):
            raise ConversionError(f"{node} uses {mask}, which is not supported.")
    begin, end, stride = (integers_of(node, operand) for operand in operands[1:4])
    begin_mask, end_mask, shrink_mask = (node.get(f"{kind}_mask", 0) for kind in ("begin", "end", "shrink_axis"))
    limits = np.iinfo(np.int64)
    dropped = []
    for axis in range(len(begin)):
        if begin_mask >> axis & 1:
            begin[axis] = 0 if stride[axis] > 0 else limits.max
        if end_mask >> axis & 1:
            end[axis] = limits.max if stride[axis] > 0 else limits.min
        if shrink_mask >> axis & 1:
            end[axis] = begin[axis] + 1 if begin[axis] != -1 else limits.max
            dropped.append(axis)
    bounds = [builder.int64s(*values) for values in (begin, end, list(range(len(begin))), stride)]
    result = builder.emit("Slice", [builder.plain(operands[0]), *bounds])
    return [builder.emit("Squeeze", [result, builder.int64s(*dropped)])] if dropped else [result]


def _constant_pad(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    amounts = constant_of(node, operands[1]).astype(np.int64)
    channels_first = operands[0].channels_first
    if channels_first:
        amounts = amounts[[0, 3, 1, 2]]
    inputs = [operands[0], builder.int64s(*amounts[:, 0], *amounts[:, 1]), *operands[2:3]]
    return [builder.emit("Pad", inputs, channels_first=channels_first)]


OPERATORS: Mapping[str, Converter] = {
    **IMAGE_OPERATORS,
    "Identity": _identity,
    "StopGradient": _identity,
    "Add": _element_wise("Add"),
    "AddV2": _element_wise("Add"),
    "AddN": _element_wise("Sum"),
    "BiasAdd": _element_wise("Add"),
    "Sub": _element_wise("Sub"),
    "Mul": _element_wise("Mul"),
    "RealDiv": _element_wise("Div"),
    "Minimum": _element_wise("Min"),
    "Maximum": _element_wise("Max"),
    "Equal": _element_wise("Equal"),
    "Sqrt": _element_wise("Sqrt"),
    "FloorDiv": _floor_division,
    "FloorMod": _floor_modulo,
    "SquaredDifference": _squared_difference,
    "Relu": _activation,
    "Relu6": _activation,
    "Sigmoid": _activation,
    "Prelu": _activation,
    "Softmax": _softmax,
    "Cast": _cast,
    "MatMul": _mat_mul,
    "_FusedMatMul": _mat_mul,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "ExpandDims": _expand_dims,
    "Transpose": _transpose,
    "Pack": _pack,
    "Unpack": _unpack,
    "TopKV2": _top_k,
    "ArgMax": _arg_max,
    "GatherV2": _gather,
    "GatherNd": _gather_nd,
    "StridedSlice": _strided_slice,
    "Pad": _constant_pad,
    "PadV2": _constant_pad,
}
