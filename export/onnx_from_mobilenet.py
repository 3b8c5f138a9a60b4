"""MobileNetV3-Large (Howard et al. 2019, https://arxiv.org/abs/1905.02244, table 1) → ONNX, with seeded weights.

Batch normalisation is folded away, as every exporter does it, so only convolutions and activations are written.
"""

from __future__ import annotations

import numpy as np
import onnx

from export.graph_writer import GraphWriter
from export.recipe import Array

INPUT, OUTPUT = "image", "logits"

# Kernel, expanded channels, output channels, squeeze-and-excite, HardSwish (else ReLU), stride.
_BLOCKS = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)
_STEM, _LAST, _HEAD = 16, 960, 1280


def mobilenet_v3_large(seed: int, *, image_px: int = 224, classes: int = 1000) -> onnx.ModelProto:
    """image (1, 3, H, W) → logits (1, classes)."""
    return _MobileNet(seed).build(image_px, classes)


class _MobileNet:
    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._writer = GraphWriter()

    def build(self, image_px: int, classes: int) -> onnx.ModelProto:
        write = self._writer
        features = self._activate(self._convolution(INPUT, "stem", 3, _STEM, kernel=3, stride=2), hard=True)
        channels = _STEM
        for index, block in enumerate(_BLOCKS):
            features = self._block(features, f"blocks.{index}", channels, block)
            channels = block[2]
        features = self._activate(self._convolution(features, "last", channels, _LAST), hard=True)
        pooled = write.emit("Flatten", [write.emit("GlobalAveragePool", [features], "pooled")], "pooled.flat")
        hidden = self._activate(self._linear(pooled, "head", _LAST, _HEAD), hard=True)
        self._linear(hidden, OUTPUT, _HEAD, classes)
        return write.model("mobilenet_v3_large", {INPUT: (1, 3, image_px, image_px)}, {OUTPUT: (1, classes)})

    def _block(self, features: str, name: str, channels: int, block: tuple[int, int, int, bool, bool, int]) -> str:
        kernel, expanded, out, squeezes, hard, stride = block
        result = features
        if expanded != channels:
            result = self._activate(self._convolution(result, f"{name}.expand", channels, expanded), hard=hard)
        result = self._convolution(
            result, f"{name}.depthwise", expanded, expanded, kernel=kernel, stride=stride, groups=expanded
        )
        result = self._activate(result, hard=hard)
        if squeezes:
            result = self._squeeze_excite(result, f"{name}.squeeze", expanded)
        result = self._convolution(result, f"{name}.project", expanded, out, gain=1.0)
        if stride == 1 and channels == out:
            result = self._writer.emit("Add", [result, features], f"{name}.residual")
        return result

    def _squeeze_excite(self, features: str, name: str, channels: int) -> str:
        write = self._writer
        fewer = _divisible_by_8(channels // 4)
        pooled = write.emit("GlobalAveragePool", [features], f"{name}.pooled")
        reduced = self._activate(self._convolution(pooled, f"{name}.reduce", channels, fewer), hard=False)
        scale = self._convolution(reduced, f"{name}.expand", fewer, channels, gain=1.0)
        gate = write.emit("HardSigmoid", [scale], f"{name}.gate", {"alpha": 1 / 6, "beta": 0.5})
        return write.emit("Mul", [features, gate], f"{name}.scaled")

    def _convolution(
        self,
        features: str,
        name: str,
        channels: int,
        out: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        gain: float = 2.0,
    ) -> str:
        """He initialisation (`gain` 2 before an activation), so that activations keep their size through the layers."""
        fan_in = channels // groups * kernel * kernel
        weight = self._normal((out, channels // groups, kernel, kernel), (gain / fan_in) ** 0.5)
        inputs = [
            features,
            self._writer.constant(weight, f"{name}.weight"),
            self._writer.constant(self._normal((out,), 0.02), f"{name}.bias"),
        ]
        attributes = {
            "kernel_shape": [kernel, kernel],
            "strides": [stride, stride],
            "pads": [kernel // 2] * 4,
            "group": groups,
        }
        return self._writer.emit("Conv", inputs, name, attributes)

    def _linear(self, features: str, name: str, width: int, out: int) -> str:
        matrix = self._writer.constant(self._normal((out, width), (2.0 / width) ** 0.5), f"{name}.weight")
        bias = self._writer.constant(self._normal((out,), 0.02), f"{name}.bias")
        return self._writer.emit("Gemm", [features, matrix, bias], name, {"transB": 1})

    def _activate(self, features: str, *, hard: bool) -> str:
        return self._writer.emit("HardSwish" if hard else "Relu", [features], f"{features}.activation")

    def _normal(self, shape: tuple[int, ...], deviation: float) -> Array:
        values: Array = self._rng.standard_normal(shape, np.float32) * np.float32(deviation)
        return values


def _divisible_by_8(channels: int) -> int:
    """The paper's rounding: to the nearest multiple of 8, but never more than a tenth less."""
    rounded = max(8, (channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
