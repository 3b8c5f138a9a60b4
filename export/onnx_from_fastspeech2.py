"""FastSpeech 2 of TensorFlowTTS (a TensorFlow Lite file) → ONNX: phonemes to a mel spectrogram, in one go.

Written down layer by layer, as FastSpeech 2 of https://arxiv.org/abs/2006.04558 without its loops: frames fetch the
phoneme that they belong to. The dropout that TensorFlowTTS keeps on when it speaks is left out, so that the same words
always sound the same. Architecture: https://github.com/TensorSpeech/TensorFlowTTS, models/fastspeech2.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto

from export.graph_writer import GraphWriter
from export.onnx_file import write_onnx
from export.recipe import Array
from export.tflite_file import TfliteFile, Weight

_LAYERS, _HEADS, _HEAD_SIZE = 3, 2, 16
_EPSILON = 1e-5
_POSTNET_LAYERS = 5
_PREDICTORS = {
    "duration": ("sequential_8", "dense_7"),
    "energy": ("sequential_7", "dense_6"),
    "f0": ("sequential_6", "dense_5"),
}
"""What is foretold of a phoneme → the names of its layers in the file."""


def convert_file(source: Path, target: Path) -> None:
    """Write `target`: tokens (1, phonemes) int32 and length_scale () → mel (1, 80, frames), log10, normalised.

    Raises `ConversionError` when the file is damaged, or another network.
    """
    write_onnx(_FastSpeech2(TfliteFile(source)).build(), target)


class _FastSpeech2(GraphWriter):
    """Sequences are (1, length, channels); convolutions want (1, channels, length)."""

    def __init__(self, weights: TfliteFile) -> None:
        super().__init__()
        self._weights = weights
        self._positions = ""

    def build(self) -> onnx.ModelProto:
        table = self._table("embeddings/Gather/resource")
        self._positions = self._table("embeddings/position_embeddings/Gather/resource")
        phonemes = self._with_positions(self.emit("Gather", [table, "tokens"], "phonemes"))
        for layer in range(_LAYERS):
            phonemes = self._block(phonemes, f"encoder/layer_._{layer}")
        spoken = [phonemes, self._embedded("energy", phonemes), self._embedded("f0", phonemes)]
        frames = self._repeated(self.emit("Sum", spoken, "spoken"), self._durations(phonemes))
        frames = self._with_positions(frames)
        for layer in range(_LAYERS):
            frames = self._block(frames, f"decoder/layer_._{layer}")
        rough = self._turned(self._dense(frames, "mel_before"), "rough")
        self.emit("Add", [rough, self._refinement(rough)], "mel")
        inputs = {"tokens": (1, "phonemes"), "length_scale": ()}
        return self.model("fastspeech2", inputs, {"mel": (1, 80, "frames")}, integers=["tokens"])

    def _block(self, rows: str, name: str) -> str:
        """A transformer's layer, with convolutions in the place of its dense layers."""
        attended = self._dense(self._attention(rows, name), f"{name}/attention/output/dense")
        rows = self._normalized(self.emit("Add", [attended, rows], f"{name}/attended"), f"{name}/attention/output/")
        wide = self._mish(self._convolution(self._turned(rows, f"{name}/columns"), f"{name}/intermediate/conv1d_1"))
        narrow = self._turned(self._convolution(wide, f"{name}/intermediate/conv1d_2"), f"{name}/rows")
        return self._normalized(self.emit("Add", [narrow, rows], f"{name}/sum"), f"{name}/output/")

    def _attention(self, rows: str, name: str) -> str:
        split = []
        for part, order in (("query", (0, 2, 1, 3)), ("key", (0, 2, 3, 1)), ("value", (0, 2, 1, 3))):
            projected = self._dense(rows, f"{name}/attention/self/{part}")
            heads = self._reshape(projected, (1, -1, _HEADS, _HEAD_SIZE))
            split.append(self.emit("Transpose", [heads], f"{name}/{part}", {"perm": order}))
        scores = self.emit("MatMul", split[:2], f"{name}/scores")
        scaled = self.emit("Mul", [scores, self._number(_HEAD_SIZE**-0.5)], f"{name}/scaled")
        mixed = self.emit("MatMul", [self.emit("Softmax", [scaled], f"{name}/odds"), split[2]], f"{name}/mixed")
        joined = self.emit("Transpose", [mixed], f"{name}/joined", {"perm": (0, 2, 1, 3)})
        return self._reshape(joined, (1, -1, _HEADS * _HEAD_SIZE))

    def _predicted(self, kind: str, phonemes: str) -> str:
        """(1, length, 1)."""
        layers, head = _PREDICTORS[kind]
        prefix = f"{kind}_predictor/{layers}"
        rows = phonemes
        for layer in range(2):
            columns = self._convolution(self._turned(rows, f"{prefix}/columns.{layer}"), f"{prefix}/conv_._{layer}")
            rows = self._turned(self.emit("Relu", [columns], f"{prefix}/relu.{layer}"), f"{prefix}/rows.{layer}")
            rows = self._normalized(rows, f"{prefix}/", f"LayerNorm_._{layer}")
        return self._dense(rows, f"{kind}_predictor/{head}")

    def _embedded(self, kind: str, phonemes: str) -> str:
        columns = self._turned(self._predicted(kind, phonemes), f"{kind}/columns")
        return self._turned(self._convolution(columns, f"{kind}_embeddings"), f"{kind}/rows")

    def _durations(self, phonemes: str) -> str:
        """(phonemes,) frames, int64. The network foretells the logarithm of one more."""
        more = self.emit("Exp", [self._predicted("duration", phonemes)], "duration/more")
        frames = self.emit("Relu", [self.emit("Sub", [more, self._number(1.0)], "duration/less")], "duration/frames")
        scaled = self.emit("Mul", [frames, "length_scale"], "duration/scaled")
        return self._reshape(self._whole(self.emit("Round", [scaled], "duration/rounded")), (-1,))

    def _repeated(self, phonemes: str, durations: str) -> str:
        """Each phoneme as often as it lasts frames: frame n is of the phoneme before which n frames have ended."""
        ends = self.emit("CumSum", [durations, self._integers(0)], "frames/ends")
        count = self.emit("ReduceSum", [durations], "frames/count", {"keepdims": 0})
        numbers = self.emit("Range", [self._integers(0), count, self._integers(1)], "frames/numbers")
        column = self.emit("Unsqueeze", [numbers, self._integers([1])], "frames/column")
        ended = self._whole(self.emit("GreaterOrEqual", [column, ends], "frames/ended"))
        of_phoneme = self.emit("ReduceSum", [ended, self._integers([1])], "frames/of_phoneme", {"keepdims": 0})
        return self.emit("Gather", [phonemes, of_phoneme], "frames", {"axis": 1})

    def _with_positions(self, rows: str) -> str:
        """Positions count from 1."""
        shape = self.emit("Shape", [rows], f"{rows}/shape", {"start": 1, "end": 2})
        end = self.emit("Add", [shape, self._integers([1])], f"{rows}/end")
        positions = self.emit(
            "Slice", [self._positions, self._integers([1]), end, self._integers([0])], f"{rows}/positions"
        )
        return self.emit("Add", [rows, positions], f"{rows}/placed")

    def _refinement(self, mel: str) -> str:
        """The postnet."""
        for layer in range(_POSTNET_LAYERS):
            norm = f"postnet/batch_norm_._{layer}/batchnorm"
            mel = self._convolution(mel, f"postnet/conv_._{layer}")
            for op, part in (("Mul", "mul"), ("Add", "sub")):
                constant = self.constant(self._weights.exact(f"{norm}/{part}")[:, None], f"{norm}/{part}.constant")
                mel = self.emit(op, [mel, constant], f"{norm}/{part}")
            if layer < _POSTNET_LAYERS - 1:
                mel = self.emit("Tanh", [mel], f"{norm}/tanh")
        return mel

    def _convolution(self, columns: str, name: str) -> str:
        """As long as it was."""
        kernel = self._weights.kernel(name)
        values = kernel.values[:, 0].transpose(0, 2, 1)  # (out, 1, width, in) in the file
        inputs = [columns, self._stored(name, values, kernel), self.constant(self._weights.bias(name), f"{name}.bias")]
        return self.emit("Conv", inputs, name, {"pads": [values.shape[2] // 2] * 2})

    def _dense(self, rows: str, name: str) -> str:
        kernel = self._weights.kernel(name)
        product = self.emit("MatMul", [rows, self._stored(name, kernel.values.T, kernel)], f"{name}.product")
        return self.emit("Add", [product, self.constant(self._weights.bias(name), f"{name}.bias")], name)

    def _normalized(self, rows: str, prefix: str, layer: str = "LayerNorm") -> str:
        norm = f"{prefix}{layer}/batchnorm"
        parts = ("mul/ReadVariableOp/resource", "ReadVariableOp/resource")
        inputs = [self.constant(self._weights.exact(f"{norm}/{part}"), f"{norm}/{part}") for part in parts]
        return self.emit("LayerNormalization", [rows, *inputs], norm, {"epsilon": _EPSILON})

    def _mish(self, value: str) -> str:
        curve = self.emit("Tanh", [self.emit("Softplus", [value], f"{value}/softplus")], f"{value}/tanh")
        return self.emit("Mul", [value, curve], f"{value}/mish")

    def _table(self, name: str) -> str:
        weight = self._weights.weight(name)
        return self._stored(name, weight.values, weight)

    def _stored(self, name: str, values: Array, weight: Weight) -> str:
        """A weight in as many bits as it has in the file; `values` are its own, in another order."""
        constant = self.constant(values, f"{name}.weight")
        if weight.scale is None:
            return constant
        zero = self.constant(np.array(0, np.int8), "zero")
        scale = self.constant(np.array(weight.scale, np.float32), f"{name}.scale")
        return self.emit("DequantizeLinear", [constant, scale, zero], f"{name}.exact")

    def _turned(self, value: str, name: str) -> str:
        """Rows to columns, or back."""
        return self.emit("Transpose", [value], name, {"perm": (0, 2, 1)})

    def _reshape(self, value: str, sizes: Sequence[int]) -> str:
        return self.emit("Reshape", [value, self._integers(sizes)], f"{value}/{'x'.join(map(str, sizes))}")

    def _whole(self, value: str) -> str:
        return self.emit("Cast", [value], f"{value}/whole", {"to": TensorProto.INT64})

    def _number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32), f"number {value:g}")

    def _integers(self, values: int | Sequence[int]) -> str:
        return self.constant(np.array(values, np.int64), f"integers {values}")
