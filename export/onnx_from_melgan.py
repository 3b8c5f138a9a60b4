"""Multi-band MelGAN of TensorFlowTTS (a TensorFlow Lite file) → ONNX: a mel spectrogram to sound.

Written down layer by layer, as in https://arxiv.org/abs/2005.05106: four bands at a quarter of the rate, which a filter
bank joins. Architecture: https://github.com/TensorSpeech/TensorFlowTTS, models/mb_melgan.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

from export.graph_writer import GraphWriter
from export.onnx_file import write_onnx
from export.recipe import Array
from export.tflite_file import TfliteFile

_UPSAMPLING = (3, 5, 5)
_BANDS = 4
_DILATIONS = (1, 3, 9, 27)
"""Of the residual blocks after each upsampling."""
_SLOPE = 0.2
_FILTER_TAPS = 63


def convert_file(source: Path, target: Path) -> None:
    """Write `target`: mel (1, 80, frames) → audio (300 · frames,), in [-1, 1].

    Raises `ConversionError` when the file is damaged, or another network.
    """
    write_onnx(_MelGan(TfliteFile(source)).build(), target)


class _MelGan(GraphWriter):
    """Values are (1, channels, length)."""

    def __init__(self, weights: TfliteFile) -> None:
        super().__init__()
        self._weights = weights
        self._number = 0
        """Of the convolution that was written last, but for shortcuts: Keras counts them through."""

    def build(self) -> onnx.ModelProto:
        value = self._convolution("mel", "conv1d", padding=3)
        for stage, factor in enumerate(_UPSAMPLING):
            value = self._upsampled(self._leaky(value), stage, factor)
            for block, dilation in enumerate(_DILATIONS):
                value = self._residual(value, f"residual_stack_._{stage}._._{block}", dilation)
        last = self._convolution(self._leaky(value), f"conv1d_{self._number + 1}", padding=3)
        joined = self._joined(self.emit("Tanh", [last], "bands"))
        self.emit("Reshape", [joined, self.constant(np.array([-1], np.int64), "flat")], "audio")
        return self.model("mb_melgan", {"mel": (1, 80, "frames")}, {"audio": ("samples",)})

    def _residual(self, value: str, name: str, dilation: int) -> str:
        inner = self._convolution(self._leaky(value), f"{name}/{self._next()}", padding=dilation, dilation=dilation)
        inner = self._convolution(self._leaky(inner), f"{name}/{self._next()}")
        return self.emit("Add", [self._convolution(value, f"{name}/shortcut"), inner], f"{name}/sum")

    def _next(self) -> str:
        self._number += 1
        return f"conv1d_{self._number}"

    def _convolution(self, value: str, name: str, *, padding: int = 0, dilation: int = 1) -> str:
        layer = f"sequential_4/{name}"
        kernel = self._weights.kernel(layer).exact()[:, 0].transpose(0, 2, 1)  # (out, 1, width, in) in the file
        if padding:
            amounts = self.constant(np.array([0, 0, padding, 0, 0, padding], np.int64), f"padding {padding}")
            value = self.emit("Pad", [value, amounts], f"{name}/padded", {"mode": "reflect"})
        return self._emit("Conv", value, name, kernel, self._weights.bias(layer), {"dilations": [dilation]})

    def _upsampled(self, value: str, stage: int, factor: int) -> str:
        """`factor` times as long."""
        name = f"conv_transpose_._{stage}"
        kernel = self._transposed(f"sequential_4/{name}")
        surplus = kernel.shape[2] - factor
        attributes = {"strides": [factor], "pads": [surplus // 2, surplus - surplus // 2]}
        return self._emit("ConvTranspose", value, name, kernel, self._weights.bias(f"sequential_4/{name}"), attributes)

    def _joined(self, bands: str) -> str:
        """The filter bank that was taken apart for the training: zeros between a band's samples, then its filter."""
        spread = self.constant(self._transposed("conv1d_transpose;PartitionedCall"), "spread.weight")
        full = self.emit("ConvTranspose", [bands, spread], "spread", {"strides": [_BANDS]})
        filters = self._weights.kernel("conv1d;PartitionedCall").exact()[:, 0].transpose(0, 2, 1)
        padding = [_FILTER_TAPS // 2] * 2
        return self.emit("Conv", [full, self.constant(filters, "filters")], "joined", {"pads": padding})

    def _transposed(self, layer: str) -> Array:
        """(in, out, width); in the file (out, width, 1, in), or (out, 1, width, in)."""
        kernel = self._weights.kernel(layer).exact()
        turned: Array = kernel.reshape(len(kernel), -1, kernel.shape[3]).transpose(2, 0, 1)
        return turned

    def _leaky(self, value: str) -> str:
        return self.emit("LeakyRelu", [value], f"{value}/leaky", {"alpha": _SLOPE})

    def _emit(
        self, op: str, value: str, name: str, kernel: Array, bias: Array, attributes: Mapping[str, Sequence[int]]
    ) -> str:
        inputs = [value, self.constant(kernel, f"{name}.weight"), self.constant(bias, f"{name}.bias")]
        return self.emit(op, inputs, name, attributes)
