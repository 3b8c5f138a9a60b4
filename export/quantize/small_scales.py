"""Scales too small for FP16's normal numbers, which onnxruntime's quantizer replaces by 1.

With a scale of 1 a channel whose weights are all below 0.008 becomes zeros, and such channels are common where batch
normalisation was folded into a convolution (CenterNet: every channel of one layer). FP16 has subnormal numbers down to
6e-8 for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from export.calibration import TensorRange

_LEVELS = 127
"""Of symmetric INT8, on each side of zero."""


def mend_small_scales(quantized: ModelProto, model: ModelProto, ranges: Mapping[str, TensorRange]) -> None:
    """Set the scales that `model`, with its weights and activations in FP16, should have had, and the weights' INT8
    values with them."""
    stored = {item.name: item for item in quantized.graph.initializer}
    floats = {item.name: item for item in model.graph.initializer}
    for node in quantized.graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        scale = stored[node.input[1]]
        if scale.data_type != TensorProto.FLOAT16:
            continue
        name = node.input[0].removesuffix("_quantized")
        if node.input[0] in stored and name in floats:
            _mend_weights(stored[node.input[0]], scale, numpy_helper.to_array(floats[name]), _axis(node, scale))
        elif node.op_type == "QuantizeLinear" and node.input[0] in ranges:
            item = ranges[node.input[0]]
            _store(scale, _mended(numpy_helper.to_array(scale), np.array(max(-item.low, item.high))))


def _mend_weights(values: TensorProto, scale: TensorProto, weights: NDArray[Any], axis: int | None) -> None:
    others = tuple(index for index in range(weights.ndim) if index != axis)
    wanted = _mended(numpy_helper.to_array(scale), np.abs(weights.astype(np.float64)).max(axis=others))
    if np.array_equal(wanted, numpy_helper.to_array(scale)):
        return
    shape = [-1 if index == axis else 1 for index in range(weights.ndim)]
    steps = np.rint(weights.astype(np.float64) / wanted.astype(np.float64).reshape(shape))
    _store(values, np.clip(steps, -_LEVELS, _LEVELS).astype(np.int8))
    _store(scale, wanted)


def _mended(scale: NDArray[Any], largest: NDArray[Any]) -> NDArray[Any]:
    """`scale` (float16), with the right value where it was replaced by 1; `largest` are the magnitudes to cover."""
    right = (largest / _LEVELS).reshape(scale.shape)
    rounded = right.astype(np.float16)
    # Rounded up: the largest value must stay within the levels.
    rounded = np.where(rounded < right, np.nextafter(rounded, np.float16(np.inf)), rounded)
    replaced = (right > 0) & (right < np.finfo(np.float16).tiny)
    return np.where(replaced, rounded, scale).astype(np.float16)


def _store(tensor: TensorProto, values: NDArray[Any]) -> None:
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), tensor.name))


def _axis(node: NodeProto, scale: TensorProto) -> int | None:
    """The axis of a node's channels; None if it has one scale for all."""
    if not scale.dims:
        return None
    return next((int(helper.get_attribute_value(item)) for item in node.attribute if item.name == "axis"), None)
