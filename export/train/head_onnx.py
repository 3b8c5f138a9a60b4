"""Trained fusion networks as ONNX, written node by node: no exporter of torch's, and the same bytes every time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from assistant.emotion.fusion_network import CHANNELS, FEATURES
from assistant.events import EMOTION_LABELS
from export.graph_writer import GraphWriter
from export.recipe import Array

Weights = Mapping[str, Array]
"""A module's `state_dict`, as float32 arrays."""

_CLASSES = len(EMOTION_LABELS)


def head_onnx(name: str, weights: Weights, heads: int = 4) -> onnx.ModelProto:
    """The head "attention" or "concatenation" with an open batch axis "n"; see `assistant.emotion.fusion_network`."""
    graph = _Layers(weights)
    logits = graph.attention(heads) if name == "attention" else graph.concatenation()
    graph.emit("Softmax", [logits], "probabilities", {"axis": -1})
    count = len(CHANNELS)
    model = graph.model(
        f"emotion-fusion-{name}",
        {"tokens": (1, count, FEATURES), "mask": (1, count)},
        {"probabilities": (1, _CLASSES)},
    )
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    del model.graph.value_info[:]  # they were inferred for one moment
    onnx.checker.check_model(model, full_check=True)
    return model


class _Layers(GraphWriter):
    """Layers by the names of their weights."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self._weights = {name: np.asarray(array, np.float32) for name, array in weights.items()}

    def concatenation(self) -> str:
        """See `export.train.heads.ConcatenationHead`."""
        # The mask is in the tokens; it is used so that both networks have the same inputs.
        masked = self._masked("tokens", "masked")
        flat = self.emit("Flatten", [masked], "flat", {"axis": 1})
        hidden = self.emit("Relu", [self._linear(flat, "hidden")], "hidden_relu")
        deeper = self.emit("Relu", [self._linear(hidden, "deeper")], "deeper_relu")
        return self._linear(deeper, "answer")

    def attention(self, heads: int) -> str:
        """See `export.train.heads.AttentionHead`."""
        width = self._weights["answer.weight"].shape[1]
        length = len(CHANNELS) + 1
        # Each channel's own matrix, as blocks of one: a plain product quantizes, one of stacked matrices does not.
        flat = self.emit("Flatten", ["tokens"], "flat", {"axis": 1})
        embedded = self.emit("MatMul", [flat, self.constant(_blocks(self._weights["embed"]), "embed")], "embedded")
        embedded = self.emit("Add", [embedded, self.constant(self._weights["place"].reshape(-1), "place")], "placed")
        embedded = self.emit("Reshape", [embedded, self._ints([0, len(CHANNELS), width], "embed_shape")], "channels")
        embedded = self.emit("Relu", [embedded], "embedded_relu")
        # As many question tokens as there are moments: zeros of the batch's size, plus the question.
        first = self.emit("Mul", [self._slice("mask", 0, 1, "first"), self._float(0.0, "zero")], "zeros")
        blank = self.emit("Unsqueeze", [first, self._ints([2], "axis_2")], "blank")
        question = self.emit("Add", [blank, self.constant(self._weights["question"], "question")], "questions")
        state = self.emit("Concat", [question, embedded], "state", {"axis": 1})
        ones = self.emit("Add", [first, self._float(1.0, "one")], "ones")
        seen = self.emit("Concat", [ones, "mask"], "seen", {"axis": 1})
        state = self.emit("Add", [state, self._attend(state, seen, heads, width, length)], "attended")
        inner = self.emit("Relu", [self._linear(state, "wider")], "wider_relu")
        state = self.emit("Add", [state, self._linear(inner, "narrower")], "fed")
        kept = self.emit("Unsqueeze", [seen, self._ints([2], "axis_2")], "kept")
        present = self.emit("Mul", [state, kept], "present")
        total = self.emit("ReduceSum", [present, self._ints([1], "axis_1")], "total", {"keepdims": 0})
        return self._linear(total, "answer")

    def _attend(self, state: str, seen: str, heads: int, width: int, length: int) -> str:
        shape = self._ints([0, length, heads, width // heads], "split_shape")
        split = {}
        for layer in ("query", "key", "value"):
            rows = self.emit("Reshape", [self._linear(state, layer), shape], f"{layer}_split")
            order = [0, 2, 3, 1] if layer == "key" else [0, 2, 1, 3]
            split[layer] = self.emit("Transpose", [rows], f"{layer}_heads", {"perm": order})
        scores = self.emit("MatMul", [split["query"], split["key"]], "products")
        scores = self.emit("Mul", [scores, self._float((heads / width) ** 0.5, "scale")], "scores")
        hidden = self.emit("Sub", [seen, self._float(1.0, "one")], "hidden_seen")
        hidden = self.emit("Mul", [hidden, self._float(1e4, "far")], "penalty")
        hidden = self.emit("Unsqueeze", [hidden, self._ints([1, 2], "axes_12")], "penalties")
        shares = self.emit("Softmax", [self.emit("Add", [scores, hidden], "masked_scores")], "shares", {"axis": -1})
        mixed = self.emit("MatMul", [shares, split["value"]], "mixed_heads")
        mixed = self.emit("Transpose", [mixed], "mixed_split", {"perm": [0, 2, 1, 3]})
        mixed = self.emit("Reshape", [mixed, self._ints([0, length, width], "joined_shape")], "mixed")
        return self._linear(mixed, "mix")

    def _masked(self, tokens: str, name: str) -> str:
        kept = self.emit("Unsqueeze", ["mask", self._ints([2], "axis_2")], f"{name}_kept")
        return self.emit("Mul", [tokens, kept], name)

    def _linear(self, source: str, layer: str) -> str:
        weight = self.constant(self._weights[f"{layer}.weight"].T, f"{layer}.weight")
        product = self.emit("MatMul", [source, weight], f"{layer}_product")
        return self.emit("Add", [product, self.constant(self._weights[f"{layer}.bias"], f"{layer}.bias")], layer)

    def _slice(self, source: str, start: int, end: int, name: str) -> str:
        bounds = [self._ints([start], "slice_start"), self._ints([end], "slice_end"), self._ints([1], "axis_1")]
        return self.emit("Slice", [source, *bounds], name)

    def _ints(self, values: list[int], name: str) -> str:
        return self.constant(np.array(values, np.int64), name)

    def _float(self, value: float, name: str) -> str:
        return self.constant(np.array(value, np.float32), name)


def _blocks(matrices: Array) -> Array:
    """(c, f, w) → (c f, c w), block by block along the diagonal."""
    count, rows, columns = matrices.shape
    whole = np.zeros((count, rows, count, columns), np.float32)
    whole[np.arange(count), :, np.arange(count)] = matrices
    return whole.reshape(count * rows, count * columns)
