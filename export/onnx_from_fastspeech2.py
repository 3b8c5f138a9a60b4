"""FastSpeech 2 of TensorFlowTTS (a TensorFlow Lite file) → ONNX: phonemes to a mel spectrogram, in one go.

Written down layer by layer, as FastSpeech 2 of https://arxiv.org/abs/2006.04558 without its loops: frames fetch the
phoneme that they belong to. The dropout that TensorFlowTTS keeps on when it speaks is left out, so that the same words
always sound the same. Architecture: https://github.com/TensorSpeech/TensorFlowTTS, models/fastspeech2.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto

from export.graph_writer import GraphWriter
from export.onnx_file import write_onnx
from export.recipe import Array
from export.tflite_file import TfliteFile

_LAYERS, _HEADS, _HEAD_SIZE = 3, 2, 16
_EPSILON = 1e-5
_POSTNET_LAYERS = 5
_TO_FLOAT, _TO_INT64 = {"to": TensorProto.FLOAT}, {"to": TensorProto.INT64}
_TO_THE_END = 2**31 - 1
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
    """Sequences are rows, (1, length, channels)."""

    def __init__(self, weights: TfliteFile) -> None:
        super().__init__()
        self._weights = weights
        self._positions = ""
        self._in_8_bits: dict[str, Sequence[str]] = {}
        self._counted = itertools.count()

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
        rough = self._dense(frames, "mel_before")
        self.emit(
            "Transpose", [self.emit("Add", [rough, self._refinement(rough)], "refined")], "mel", {"perm": (0, 2, 1)}
        )
        inputs = {"tokens": (1, "phonemes"), "length_scale": ()}
        return self.model("fastspeech2", inputs, {"mel": (1, 80, "frames")}, integers=["tokens"])

    def _block(self, rows: str, name: str) -> str:
        """A transformer's layer, with convolutions in the place of its dense layers."""
        attended = self._dense(self._attention(rows, name), f"{name}/attention/output/dense")
        rows = self._normalized(self.emit("Add", [attended, rows], f"{name}/attended"), f"{name}/attention/output/")
        wide = self._mish(self._convolution(rows, f"{name}/intermediate/conv1d_1"))
        narrow = self._convolution(wide, f"{name}/intermediate/conv1d_2")
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
            rows = self.emit("Relu", [self._convolution(rows, f"{prefix}/conv_._{layer}")], f"{prefix}/relu.{layer}")
            rows = self._normalized(rows, f"{prefix}/", f"LayerNorm_._{layer}")
        return self._dense(rows, f"{kind}_predictor/{head}")

    def _embedded(self, kind: str, phonemes: str) -> str:
        return self._convolution(self._predicted(kind, phonemes), f"{kind}_embeddings")

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
                constant = self.constant(self._weights.exact(f"{norm}/{part}"), f"{norm}/{part}.values")
                mel = self.emit(op, [mel, constant], f"{norm}/{part}")
            if layer < _POSTNET_LAYERS - 1:
                mel = self.emit("Tanh", [mel], f"{norm}/tanh")
        return mel

    def _convolution(self, rows: str, name: str) -> str:
        """As long as it was: each row and its neighbours, side by side, times one matrix."""
        kernel = self._weights.kernel(name)
        values = kernel.values[:, 0]  # (out, width, in)
        return self._product(rows, values.reshape(len(values), -1).T, name, kernel.scale, values.shape[1])

    def _dense(self, rows: str, name: str) -> str:
        kernel = self._weights.kernel(name)
        return self._product(rows, kernel.values.T, name, kernel.scale)

    def _product(self, rows: str, matrix: Array, name: str, scale: float | None, width: int = 1) -> str:
        """Rows · matrix + bias. Where the weights have 8 bits the rows are rounded to as many, as TensorFlow Lite does
        it: four times faster than in 32, in a quarter of the memory."""
        weight = self.constant(matrix, f"{name}.weight")
        if scale is None:
            product = self.emit("MatMul", [self._neighbours(rows, width), weight], f"{name}.product")
        else:
            rounded, rows_scale, zero = self._rounded(rows)
            inputs = [self._neighbours(rounded, width, zero), weight, zero]
            whole = self.emit("Cast", [self.emit("MatMulInteger", inputs, f"{name}.whole")], f"{name}.sum", _TO_FLOAT)
            scales = self.emit("Mul", [rows_scale, self._number(scale)], f"{name}.scale")
            product = self.emit("Mul", [whole, scales], f"{name}.product")
        return self.emit("Add", [product, self.constant(self._weights.bias(name), f"{name}.bias")], name)

    def _rounded(self, rows: str) -> Sequence[str]:
        """8 bits, their scale, and which of them is zero; several products take the same."""
        if rows not in self._in_8_bits:
            names = [f"{rows}/{part}" for part in ("rounded", "scale", "zero")]
            self._in_8_bits[rows] = self.emit_many("DynamicQuantizeLinear", [rows], names)
        return self._in_8_bits[rows]

    def _neighbours(self, rows: str, width: int, zero: str | None = None) -> str:
        """(1, length, width · channels): what is before, at, and after each row; there is nothing around them all."""
        if width == 1:
            return rows
        name = f"{rows}/around.{next(self._counted)}"
        amounts = self._integers([0, width // 2, 0, 0, width // 2, 0])
        padded = self.emit("Pad", [rows, amounts, *([zero] if zero else [])], f"{name}/padded")
        parts = []
        for start in range(width):
            bounds = [self._integers([start]), self._integers([start - width + 1 or _TO_THE_END]), self._integers([1])]
            parts.append(self.emit("Slice", [padded, *bounds], f"{name}/{start}"))
        return self.emit("Concat", parts, name, {"axis": 2})

    def _normalized(self, rows: str, prefix: str, layer: str = "LayerNorm") -> str:
        norm = f"{prefix}{layer}/batchnorm"
        parts = ("mul/ReadVariableOp/resource", "ReadVariableOp/resource")
        inputs = [self.constant(self._weights.exact(f"{norm}/{part}"), f"{norm}/{part}") for part in parts]
        return self.emit("LayerNormalization", [rows, *inputs], norm, {"epsilon": _EPSILON})

    def _mish(self, value: str) -> str:
        curve = self.emit("Tanh", [self.emit("Softplus", [value], f"{value}/softplus")], f"{value}/tanh")
        return self.emit("Mul", [value, curve], f"{value}/mish")

    def _table(self, name: str) -> str:
        return self.constant(self._weights.exact(name), name)

    def _reshape(self, value: str, sizes: Sequence[int]) -> str:
        return self.emit("Reshape", [value, self._integers(sizes)], f"{value}/{'x'.join(map(str, sizes))}")

    def _whole(self, value: str) -> str:
        return self.emit("Cast", [value], f"{value}/whole", _TO_INT64)

    def _number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32), f"number {value:g}")

    def _integers(self, values: int | Sequence[int]) -> str:
        return self.constant(np.array(values, np.int64), f"integers {values}")
