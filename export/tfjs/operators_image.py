"""Operators on pictures: they want NCHW, or can live with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from export.errors import ConversionError
from export.tfjs.builder import GraphBuilder, Value
from export.tfjs.graph_model import Node
from export.tfjs.operator_support import activation, constant_of, integers_of

# Where an NHWC axis is in NCHW.
_AXES = {0: 0, 1: 2, 2: 3, 3: 1}


def _convolution(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    kernel = constant_of(node, operands[1])
    return [_convolve(builder, node, operands, kernel.transpose(3, 2, 0, 1), groups=1)]


def _depthwise_convolution(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    kernel = constant_of(node, operands[1])
    height, width, channels, multiplier = kernel.shape
    grouped = kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return [_convolve(builder, node, operands, grouped, groups=channels)]


def _convolve(
    builder: GraphBuilder, node: Node, operands: Sequence[Value], kernel: np.ndarray[Any, Any], *, groups: int
) -> Value:
    """Convolve with an (out, in / groups, height, width) kernel, then add the bias and activation that are fused."""
    fused = list(node.get("fused_ops", ()))
    inputs = [builder.image(operands[0]), builder.constant(kernel)]
    extra = list(operands[2:])
    if fused[:1] == ["BiasAdd"]:
        inputs.append(builder.constant(constant_of(node, extra.pop(0)).reshape(-1)))
        fused.pop(0)
    attributes = {
        "kernel_shape": kernel.shape[2:],
        "strides": _spatial(node, "strides"),
        "dilations": _spatial(node, "dilations"),
        "group": groups,
        **_padding(node),
    }
    result = builder.emit("Conv", inputs, attributes, channels_first=True)
    return activation(builder, node, fused[0], result, extra[0] if extra else None) if fused else result


def _pool(onnx_op: str) -> Callable[[GraphBuilder, Node, Sequence[Value]], list[Value]]:
    def convert(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
        attributes = {"kernel_shape": _spatial(node, "ksize"), "strides": _spatial(node, "strides"), **_padding(node)}
        return [builder.emit(onnx_op, [builder.image(operands[0])], attributes, channels_first=True)]

    return convert


def _spatial(node: Node, key: str) -> list[int]:
    """Height and width of an NHWC attribute, which must leave batch and channels alone."""
    if node.get("data_format", "NHWC") != "NHWC":
        raise ConversionError(f"{node} has the layout '{node.get('data_format')}'; only NHWC is supported.")
    batch, height, width, channels = node.get(key) or [1, 1, 1, 1]
    if batch != 1 or channels != 1:
        raise ConversionError(f"{node} has {key} over batch or channels, which is not supported.")
    return [height, width]


def _padding(node: Node) -> dict[str, Any]:
    padding = node.get("padding")
    if padding == "SAME":
        return {"auto_pad": "SAME_UPPER"}
    if padding == "VALID":
        return {"auto_pad": "VALID"}
    if padding == "EXPLICIT":
        _, _, top, bottom, left, right, _, _ = node.get("explicit_paddings")
        return {"pads": [top, left, bottom, right]}
    raise ConversionError(f"{node} has the padding '{padding}', which is not supported.")


def _mean(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    """Over any axes; over height and width a picture stays NCHW, or comes out without them in either layout."""
    axes = integers_of(node, operands[1])
    keep = bool(node.get("keep_dims", False))
    source = operands[0]
    if source.channels_first and (keep or sorted(axis % 4 for axis in axes) == [1, 2]):
        attributes = {"axes": sorted(_AXES[axis % 4] for axis in axes), "keepdims": int(keep)}
        return [builder.emit("ReduceMean", [source], attributes, channels_first=keep)]
    return [builder.emit("ReduceMean", [builder.plain(source)], {"axes": axes, "keepdims": int(keep)})]


def _resize_bilinear(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    height, width = integers_of(node, operands[1])
    if node.get("align_corners", False):
        mode = "align_corners"
    else:
        mode = "half_pixel" if node.get("half_pixel_centers", False) else "asymmetric"
    source = builder.image(operands[0])
    shape = builder.emit("Shape", [source], {"start": 0, "end": 2})
    sizes = builder.emit("Concat", [shape, builder.int64s(height, width)], {"axis": 0})
    attributes = {"mode": "linear", "coordinate_transformation_mode": mode}
    unused = Value("")
    return [builder.emit("Resize", [source, unused, unused, sizes], attributes, channels_first=True)]


def _concat(builder: GraphBuilder, node: Node, operands: Sequence[Value]) -> list[Value]:
    [axis] = integers_of(node, operands[-1])
    parts = operands[:-1]
    if all(part.channels_first for part in parts):
        return [builder.emit("Concat", parts, {"axis": _AXES[axis % 4]}, channels_first=True)]
    return [builder.emit("Concat", [builder.plain(part) for part in parts], {"axis": axis})]


IMAGE_OPERATORS = {
    "Conv2D": _convolution,
    "_FusedConv2D": _convolution,
    "DepthwiseConv2dNative": _depthwise_convolution,
    "FusedDepthwiseConv2dNative": _depthwise_convolution,
    "MaxPool": _pool("MaxPool"),
    "AvgPool": _pool("AveragePool"),
    "Mean": _mean,
    "ResizeBilinear": _resize_bilinear,
    "ConcatV2": _concat,
}
