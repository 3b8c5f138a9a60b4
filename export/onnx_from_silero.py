"""Silero VAD → a static graph that TensorRT can build.

Silero's own ONNX decides by If, at run time, what is always so for one block of 16 kHz sound: that there is one step,
and a state. Here that path alone is written down from the same weights, with the one LSTM step as two matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from export.errors import ConversionError
from export.graph_writer import GraphWriter
from export.onnx_file import write_onnx
from export.recipe import Array, Feeds, Network, Outputs
from export.reference import exact_network

BLOCK_SAMPLES = 512
CONTEXT_SAMPLES = 64
STATE_SHAPE = (2, 1, 128)
SAMPLE_RATE_HZ = 16000

_WINDOW_SAMPLES, _HOP_SAMPLES, _PADDING_SAMPLES = 256, 128, 64
_BINS = _WINDOW_SAMPLES // 2 + 1
_STRIDES = (1, 2, 2, 1)
"""Of the encoder's convolutions: four spectra become one step."""


def export_static(sources: Sequence[Path], target: Path) -> None:
    """Write input (1, 576), state (2, 1, 128) → output (1, 1), stateN (2, 1, 128).

    Raises `ConversionError` when the file is not the 16 kHz network.
    """
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(sources[0]).graph.initializer}
    try:
        model = _Silero(weights).build()
    except KeyError as error:
        raise ConversionError(
            f"{sources[0]} has no tensor {error}: it is another network than Silero VAD for 16 kHz.",
            remedy="Give silero_vad_16k_op15.onnx of the package silero-vad.",
        ) from error
    write_onnx(model, target)


def original_network(sources: Sequence[Path]) -> Network:
    """Silero's own file, told its sample rate."""
    network = exact_network(sources[0])

    def run(feeds: Feeds) -> Outputs:
        return network({**feeds, "sr": np.array(SAMPLE_RATE_HZ, np.int64)})

    return run


class _Silero:
    def __init__(self, weights: dict[str, Array]) -> None:
        self._weights = weights
        self._writer = GraphWriter()

    def build(self) -> onnx.ModelProto:
        features = self._spectrum()
        for index, stride in enumerate(_STRIDES):
            features = self._convolution(features, index, stride)
        step = self._writer.emit("Flatten", [features], "step")
        hidden = self._lstm(step)
        self._decide(hidden)
        shapes = {"input": (1, CONTEXT_SAMPLES + BLOCK_SAMPLES), "state": STATE_SHAPE}
        return self._writer.model("silero_vad_16k", shapes, {"output": (1, 1), "stateN": STATE_SHAPE})

    def _spectrum(self) -> str:
        """(1, 129, 4) magnitudes."""
        write = self._writer
        amounts = write.constant(np.array([0, 0, 0, _PADDING_SAMPLES], np.int64), "padding.amounts")
        padded = write.emit("Pad", ["input", amounts], "padding", {"mode": "reflect"})
        channel = write.emit("Unsqueeze", [padded, self._axes(1)], "channel")
        basis = self._weight("model.stft.forward_basis_buffer")
        attributes = {"strides": [_HOP_SAMPLES], "kernel_shape": [_WINDOW_SAMPLES]}
        transform = write.emit("Conv", [channel, basis], "stft", attributes)
        sizes = write.constant(np.array([_BINS, _BINS], np.int64), "stft.sizes")
        parts = write.emit_many("Split", [transform, sizes], ["stft.real", "stft.imaginary"], {"axis": 1})
        two = write.constant(np.array(2.0, np.float32), "two")
        squares = [write.emit("Pow", [part, two], f"{part}.squared") for part in parts]
        return write.emit("Sqrt", [write.emit("Add", squares, "power")], "magnitude")

    def _convolution(self, features: str, index: int, stride: int) -> str:
        name = f"model.encoder.{index}.reparam_conv"
        inputs = [features, self._weight(f"{name}.weight"), self._weight(f"{name}.bias")]
        attributes = {"strides": [stride], "kernel_shape": [3], "pads": [1, 1]}
        result = self._writer.emit("Conv", inputs, f"encoder.{index}", attributes)
        return self._writer.emit("Relu", [result], f"encoder.{index}.relu")

    def _lstm(self, step: str) -> str:
        """One step; gates in PyTorch's order: input, forget, cell, output."""
        write = self._writer
        states = write.emit_many("Split", ["state"], ["state.hidden", "state.cell"], {"axis": 0})
        hidden, cell = (write.emit("Squeeze", [state, self._axes(0)], f"{state}.row") for state in states)
        products = [
            write.emit(
                "Gemm",
                [
                    value,
                    self._weight(f"model.decoder.rnn.weight_{kind}"),
                    self._weight(f"model.decoder.rnn.bias_{kind}"),
                ],
                f"lstm.{kind}",
                {"transB": 1},
            )
            for value, kind in ((step, "ih"), (hidden, "hh"))
        ]
        gates = write.emit("Add", products, "lstm.gates")
        names = [f"lstm.{gate}" for gate in ("input", "forget", "candidate", "output")]
        entering, forget, candidate, leaving = write.emit_many("Split", [gates], names, {"axis": 1})
        opened = [write.emit("Sigmoid", [gate], f"{gate}.sigmoid") for gate in (entering, forget, leaving)]
        new = write.emit("Tanh", [candidate], "lstm.candidate.tanh")
        kept = [write.emit("Mul", [opened[1], cell], "lstm.kept"), write.emit("Mul", [opened[0], new], "lstm.added")]
        cell = write.emit("Add", kept, "lstm.cell")
        hidden = write.emit("Mul", [opened[2], write.emit("Tanh", [cell], "lstm.cell.tanh")], "lstm.hidden")
        rows = [write.emit("Unsqueeze", [value, self._axes(0)], f"{value}.state") for value in (hidden, cell)]
        write.emit("Concat", rows, "stateN", {"axis": 0})
        return hidden

    def _decide(self, hidden: str) -> None:
        write = self._writer
        # A convolution over one step is a matrix product.
        matrix = write.constant(self._weights["model.decoder.decoder.2.weight"][:, :, 0], "decision.weight")
        bias = self._weight("model.decoder.decoder.2.bias")
        positive = write.emit("Relu", [hidden], "decision.relu")
        logit = write.emit("Gemm", [positive, matrix, bias], "decision", {"transB": 1})
        write.emit("Sigmoid", [logit], "output")

    def _weight(self, name: str) -> str:
        return self._writer.constant(self._weights[name], name)

    def _axes(self, axis: int) -> str:
        return self._writer.constant(np.array([axis], np.int64), f"axis.{axis}")
