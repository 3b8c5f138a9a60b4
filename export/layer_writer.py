"""The layers of transformers as ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from export.graph_writer import GraphWriter
from export.recipe import Array


class LayerWriter(GraphWriter):
    """Writes layers whose weights are found by name: "<layer>.weight" as (out, in), and "<layer>.bias" if it is
    there."""

    def __init__(self, weights: Mapping[str, Array], epsilon: float) -> None:
        super().__init__()
        self._weights = weights
        self._epsilon = epsilon

    def weight(self, name: str) -> str:
        """A weight as a constant."""
        return self.constant(self._weights[name], name)

    def has(self, name: str) -> bool:
        """Whether there is such a weight."""
        return name in self._weights

    def linear(self, value: str, name: str) -> str:
        """x · Wᵀ + b."""
        matrix = self.constant(self._weights[f"{name}.weight"].T, f"{name}.weight")
        if not self.has(f"{name}.bias"):
            return self.emit("MatMul", [value, matrix], name)
        product = self.emit("MatMul", [value, matrix], f"{name}.product")
        return self.emit("Add", [product, self.weight(f"{name}.bias")], name)

    def normalize(self, value: str, name: str) -> str:
        """Layer normalisation over the last axis."""
        inputs = [value, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")]
        return self.emit("LayerNormalization", inputs, name, {"axis": -1, "epsilon": self._epsilon})

    def gelu(self, value: str) -> str:
        """x / 2 · (1 + erf(x / √2)); opset 17 has no Gelu of its own."""
        inner = self.emit("Div", [value, self.number("gelu.root", math.sqrt(2.0))], f"{value}.scaled")
        return self._half_of_product(value, self.emit("Erf", [inner], f"{value}.erf"))

    def gelu_tanh(self, value: str) -> str:
        """Its approximation x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))), as GPT-2 was trained with."""
        square = self.emit("Mul", [value, value], f"{value}.square")
        cube = self.emit("Mul", [square, value], f"{value}.cube")
        small = self.emit("Mul", [cube, self.number("gelu.cubic", 0.044715)], f"{value}.cubic")
        total = self.emit("Add", [value, small], f"{value}.sum")
        inner = self.emit("Mul", [total, self.number("gelu.scale", math.sqrt(2.0 / math.pi))], f"{value}.scaled")
        return self._half_of_product(value, self.emit("Tanh", [inner], f"{value}.tanh"))

    def attention(self, prefix: str, projected: Sequence[str], sizes: tuple[int, int, int]) -> str:
        """Attention of a sequence to itself (https://arxiv.org/abs/1706.03762), before the output's projection.

        `projected` are queries, keys and values, (1, count, width) each; `sizes` are (count, width, heads).
        """
        count, width, heads = sizes
        size = width // heads
        split = []
        for name, order in zip(projected, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True):
            rows = self.reshape(name, (1, count, heads, size), f"{name}.heads")
            split.append(self.emit("Transpose", [rows], f"{name}.split", {"perm": order}))
        scores = self.emit("MatMul", split[:2], f"{prefix}scores")
        scaled = self.emit("Mul", [scores, self.number("attention.scale", 1 / math.sqrt(size))], f"{prefix}scaled")
        odds = self.emit("Softmax", [scaled], f"{prefix}softmax", {"axis": -1})
        mixed = self.emit("MatMul", [odds, split[2]], f"{prefix}context")
        joined = self.emit("Transpose", [mixed], f"{prefix}joined", {"perm": [0, 2, 1, 3]})
        return self.reshape(joined, (1, count, width), f"{prefix}rows")

    def reshape(self, value: str, sizes: Sequence[int], name: str) -> str:
        """The same values in another shape."""
        return self.emit("Reshape", [value, self.constant(np.array(sizes, np.int64), f"{name}.shape")], name)

    def number(self, name: str, value: float) -> str:
        """A scalar constant."""
        return self.constant(np.array(value, np.float32), name)

    def _half_of_product(self, value: str, curve: str) -> str:
        shifted = self.emit("Add", [curve, self.number("gelu.one", 1.0)], f"{value}.shifted")
        twice = self.emit("Mul", [value, shifted], f"{value}.twice")
        return self.emit("Mul", [twice, self.number("gelu.half", 0.5)], f"{value}.gelu")
