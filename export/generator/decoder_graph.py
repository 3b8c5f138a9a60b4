"""One step of the decoder: a token, its position and the cache → the odds of the next token, and the cache's new row.

All sizes are fixed, so that an engine needs no optimization profile and a call can be one CUDA graph: the cache has
room for every position, and what lies at or behind the token's own is masked. The caller writes the new row into the
cache (`assistant/inference/generation.py`), in place; the graph copies nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import onnx

from export.generator.encoder_graph import memory_shapes
from export.generator.shapes import DecoderShape, EncoderShape, Shapes
from export.layer_writer import LayerWriter
from export.recipe import Array

TOKEN, POSITION, LOGITS = "token", "position", "logits"
_HIDDEN = -1e4
"""Far below any score, and well within FP16."""


def decoder_tensors(shape: DecoderShape, encoder: EncoderShape) -> tuple[Shapes, Shapes]:
    """Inputs and outputs: all float32 but the token and its position, which are int32."""
    row = (shape.heads, 1, shape.head_size)
    cache = (shape.heads, shape.room, shape.head_size)
    kinds = [f"{kind}_{layer}" for layer in range(shape.layers) for kind in ("keys", "values")]
    inputs = {TOKEN: (1,), POSITION: (1,), **{f"self_{kind}": cache for kind in kinds}}
    outputs = {LOGITS: (1, shape.vocabulary), **{f"new_{kind}": row for kind in kinds}}
    return inputs | memory_shapes(encoder, shape), outputs


def decoder_graph(weights: Mapping[str, Array], shape: DecoderShape, encoder: EncoderShape) -> onnx.ModelProto:
    """Write it down. Raises `KeyError` for a missing weight."""
    return _Step(weights, shape, encoder).build()


class _Step:
    def __init__(self, weights: Mapping[str, Array], shape: DecoderShape, encoder: EncoderShape) -> None:
        self._write = LayerWriter(weights, shape.epsilon)
        self._shape = shape
        self._encoder = encoder

    def build(self) -> onnx.ModelProto:
        write, shape = self._write, self._shape
        value = self._embed()
        for layer in range(shape.layers):
            value = self._layer(value, layer)
        self._head(value)
        inputs, outputs = decoder_tensors(shape, self._encoder)
        return write.model("decoder", inputs, outputs, integers=(TOKEN, POSITION))

    def _embed(self) -> str:
        """(1, width); and the mask over the cache, (1, 1, room)."""
        write, shape = self._write, self._shape
        word = write.emit("Gather", [write.weight("tokens.weight"), TOKEN], "word")
        place = write.emit("Gather", [write.weight("positions.weight"), POSITION], "place")
        value = write.emit("Add", [word, place], "embedding")
        numbers = np.arange(shape.room, dtype=np.int32).reshape(1, 1, -1)
        self._known = write.emit("Less", [write.constant(numbers, "cache.positions"), POSITION], "cache.known")
        return write.normalize(value, "embedded_norm") if shape.post_norm else value

    def _layer(self, value: str, layer: int) -> str:
        write, shape = self._write, self._shape
        prefix = f"layer.{layer}."
        value = self._branch(value, f"{prefix}self.", self._attend_self, layer)
        value = self._branch(value, f"{prefix}cross.", self._attend_memory, layer)
        inner = value if shape.post_norm else write.normalize(value, f"{prefix}norm")
        inner = write.linear(inner, f"{prefix}up")
        inner = write.gelu_tanh(inner) if shape.activation == "gelu_tanh" else write.gelu(inner)
        total = write.emit("Add", [value, write.linear(inner, f"{prefix}down")], f"{prefix}sum")
        return write.normalize(total, f"{prefix}norm") if shape.post_norm else total

    def _branch(self, value: str, prefix: str, attend: Callable[[str, str, str, int], str], layer: int) -> str:
        write, shape = self._write, self._shape
        normal = value if shape.post_norm else write.normalize(value, f"{prefix}norm")
        query = self._heads(write.linear(normal, f"{prefix}query"))
        scale = write.number("attention.scale", 1 / math.sqrt(shape.head_size))
        query = write.emit("Mul", [query, scale], f"{prefix}query.scaled")
        rows = write.reshape(attend(normal, query, prefix, layer), (1, shape.width), f"{prefix}rows")
        total = write.emit("Add", [value, write.linear(rows, f"{prefix}output")], f"{prefix}sum")
        return write.normalize(total, f"{prefix}norm") if shape.post_norm else total

    def _attend_self(self, normal: str, query: str, prefix: str, layer: int) -> str:
        """To what is in the cache, and to the token itself."""
        write, shape = self._write, self._shape
        size = (shape.heads, 1, shape.head_size)
        key = write.reshape(write.linear(normal, f"{prefix}key"), size, f"new_keys_{layer}")
        value = write.reshape(write.linear(normal, f"{prefix}value"), size, f"new_values_{layer}")
        past = self._scores(query, f"self_keys_{layer}", f"{prefix}past")
        hidden = write.number("cache.hidden", _HIDDEN)
        past = write.emit("Where", [self._known, past, hidden], f"{prefix}masked")
        own = self._scores(query, key, f"{prefix}own")
        both = write.emit("Concat", [past, own], f"{prefix}scores", {"axis": -1})
        odds = write.emit("Softmax", [both], f"{prefix}softmax", {"axis": -1})
        sizes = write.constant(np.array([shape.room, 1], np.int64), "cache.split")
        of_past, of_own = write.emit_many(
            "Split", [odds, sizes], [f"{prefix}odds.past", f"{prefix}odds.own"], {"axis": -1}
        )
        seen = write.emit("MatMul", [of_past, f"self_values_{layer}"], f"{prefix}context.past")
        said = write.emit("Mul", [of_own, value], f"{prefix}context.own")
        return write.emit("Add", [seen, said], f"{prefix}context")

    def _attend_memory(self, _normal: str, query: str, prefix: str, layer: int) -> str:
        write = self._write
        scores = self._scores(query, f"cross_keys_{layer}", prefix.rstrip("."))
        odds = write.emit("Softmax", [scores], f"{prefix}softmax", {"axis": -1})
        return write.emit("MatMul", [odds, f"cross_values_{layer}"], f"{prefix}context")

    def _scores(self, query: str, keys: str, name: str) -> str:
        columns = self._write.emit("Transpose", [keys], f"{name}.columns", {"perm": [0, 2, 1]})
        return self._write.emit("MatMul", [query, columns], f"{name}.scores")

    def _heads(self, row: str) -> str:
        shape = self._shape
        return self._write.reshape(row, (shape.heads, 1, shape.head_size), f"{row}.heads")

    def _head(self, value: str) -> None:
        """The odds. Most networks take the table of tokens for it: then one copy of it serves both."""
        write, shape = self._write, self._shape
        if not shape.post_norm:
            value = write.normalize(value, "decoder.final_norm")
        if shape.transform:
            value = write.normalize(write.gelu(write.linear(value, "transform")), "transform_norm")
        table = write.weight("head.weight" if write.has("head.weight") else "tokens.weight")
        bias = [write.weight("head.bias")] if write.has("head.bias") else []
        write.emit("Gemm", [value, table, *bias], LOGITS, {"transB": 1})
