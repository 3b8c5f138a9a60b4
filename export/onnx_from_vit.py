"""Vision Transformer (Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929) → ONNX, with numpy and onnx alone.

Weights go by the names of Hugging Face's `ViTForImageClassification`, so that a checkpoint folder's tensors fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from export.graph_writer import GraphWriter
from export.recipe import Array

INPUT, OUTPUT = "pixel_values", "logits"


@dataclass(frozen=True, slots=True)
class VitShape:
    """The sizes of a network; the defaults are ViT-B/16's."""

    image_px: int = 224
    patch_px: int = 16
    width: int = 768
    layers: int = 12
    heads: int = 12
    hidden: int = 3072
    classes: int = 1000
    epsilon: float = 1e-12

    @property
    def patches(self) -> int:
        """Tokens beside the class token."""
        return (self.image_px // self.patch_px) ** 2


def weight_shapes(shape: VitShape) -> dict[str, tuple[int, ...]]:
    """Every tensor that the network needs, by its checkpoint name."""
    width, hidden = shape.width, shape.hidden
    found: dict[str, tuple[int, ...]] = {
        "vit.embeddings.cls_token": (1, 1, width),
        "vit.embeddings.position_embeddings": (1, shape.patches + 1, width),
        "vit.embeddings.patch_embeddings.projection.weight": (width, 3, shape.patch_px, shape.patch_px),
        "vit.embeddings.patch_embeddings.projection.bias": (width,),
    }
    linear = {
        "attention.attention.query": (width, width),
        "attention.attention.key": (width, width),
        "attention.attention.value": (width, width),
        "attention.output.dense": (width, width),
        "intermediate.dense": (hidden, width),
        "output.dense": (width, hidden),
    }
    for layer in range(shape.layers):
        prefix = f"vit.encoder.layer.{layer}."
        for name, size in linear.items():
            found |= {f"{prefix}{name}.weight": size, f"{prefix}{name}.bias": size[:1]}
        for name in ("layernorm_before", "layernorm_after"):
            found |= {f"{prefix}{name}.weight": (width,), f"{prefix}{name}.bias": (width,)}
    found |= {"vit.layernorm.weight": (width,), "vit.layernorm.bias": (width,)}
    return found | {"classifier.weight": (shape.classes, width), "classifier.bias": (shape.classes,)}


def random_weights(shape: VitShape, seed: int) -> dict[str, Array]:
    """Weights as before training: normal with a standard deviation of 0.02, normalisations that do nothing."""
    rng = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for name, size in weight_shapes(shape).items():
        if "layernorm" in name:
            found[name] = np.full(size, 1.0 if name.endswith("weight") else 0.0, np.float32)
        else:
            found[name] = rng.standard_normal(size, np.float32) * np.float32(0.02)
    return found


def vit(weights: Mapping[str, Array], shape: VitShape) -> onnx.ModelProto:
    """pixel_values (1, 3, H, W) → logits (1, classes). Raises `KeyError` for a missing weight."""
    return _Vit(weights, shape).build()


class _Vit:
    def __init__(self, weights: Mapping[str, Array], shape: VitShape) -> None:
        self._weights = weights
        self._shape = shape
        self._writer = GraphWriter()

    def build(self) -> onnx.ModelProto:
        write, shape = self._writer, self._shape
        tokens = self._embed()
        for layer in range(shape.layers):
            tokens = self._layer(tokens, f"vit.encoder.layer.{layer}.")
        tokens = self._normalize(tokens, "vit.layernorm")
        first = write.constant(np.array(0, np.int64), "class_token")
        pooled = write.emit("Gather", [tokens, first], "pooled", {"axis": 1})
        matrix, bias = self._constant("classifier.weight"), self._constant("classifier.bias")
        write.emit("Gemm", [pooled, matrix, bias], OUTPUT, {"transB": 1})
        sizes = (1, 3, shape.image_px, shape.image_px)
        return write.model("vit", {INPUT: sizes}, {OUTPUT: (1, shape.classes)})

    def _embed(self) -> str:
        """(1, tokens, width)."""
        write, shape = self._writer, self._shape
        name = "vit.embeddings.patch_embeddings.projection"
        inputs = [INPUT, self._constant(f"{name}.weight"), self._constant(f"{name}.bias")]
        sizes = [shape.patch_px, shape.patch_px]
        patches = write.emit("Conv", inputs, "patches", {"strides": sizes, "kernel_shape": sizes})
        columns = self._reshape(patches, (1, shape.width, shape.patches), "patches.columns")
        rows = write.emit("Transpose", [columns], "patches.rows", {"perm": [0, 2, 1]})
        tokens = write.emit("Concat", [self._constant("vit.embeddings.cls_token"), rows], "tokens", {"axis": 1})
        return write.emit("Add", [tokens, self._constant("vit.embeddings.position_embeddings")], "embedding")

    def _layer(self, tokens: str, prefix: str) -> str:
        write = self._writer
        attended = self._attention(self._normalize(tokens, f"{prefix}layernorm_before"), prefix)
        tokens = write.emit("Add", [attended, tokens], f"{prefix}attention.residual")
        inner = self._linear(self._normalize(tokens, f"{prefix}layernorm_after"), f"{prefix}intermediate.dense")
        inner = self._linear(self._gelu(inner), f"{prefix}output.dense")
        return write.emit("Add", [inner, tokens], f"{prefix}residual")

    def _attention(self, tokens: str, prefix: str) -> str:
        write, shape = self._writer, self._shape
        count, size = shape.patches + 1, shape.width // shape.heads
        split = {}
        for kind, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
            name = f"{prefix}attention.attention.{kind}"
            heads = self._reshape(self._linear(tokens, name), (1, count, shape.heads, size), f"{name}.heads")
            split[kind] = write.emit("Transpose", [heads], f"{name}.split", {"perm": order})
        scale = write.constant(np.array(1 / math.sqrt(size), np.float32), "attention.scale")
        scores = write.emit("MatMul", [split["query"], split["key"]], f"{prefix}attention.scores")
        scaled = write.emit("Mul", [scores, scale], f"{prefix}attention.scaled")
        odds = write.emit("Softmax", [scaled], f"{prefix}attention.softmax", {"axis": -1})
        mixed = write.emit("MatMul", [odds, split["value"]], f"{prefix}attention.context")
        joined = write.emit("Transpose", [mixed], f"{prefix}attention.joined", {"perm": [0, 2, 1, 3]})
        rows = self._reshape(joined, (1, count, shape.width), f"{prefix}attention.rows")
        return self._linear(rows, f"{prefix}attention.output.dense")

    def _gelu(self, value: str) -> str:
        """x / 2 · (1 + erf(x / √2)); opset 17 has no Gelu of its own."""
        write = self._writer
        root = write.constant(np.array(math.sqrt(2.0), np.float32), "gelu.root")
        one = write.constant(np.array(1.0, np.float32), "gelu.one")
        half = write.constant(np.array(0.5, np.float32), "gelu.half")
        inner = write.emit("Erf", [write.emit("Div", [value, root], f"{value}.scaled")], f"{value}.erf")
        shifted = write.emit("Add", [inner, one], f"{value}.shifted")
        return write.emit("Mul", [write.emit("Mul", [value, shifted], f"{value}.twice"), half], f"{value}.gelu")

    def _linear(self, value: str, name: str) -> str:
        write = self._writer
        matrix = write.constant(self._weights[f"{name}.weight"].T, f"{name}.weight")
        product = write.emit("MatMul", [value, matrix], f"{name}.product")
        return write.emit("Add", [product, self._constant(f"{name}.bias")], name)

    def _normalize(self, value: str, name: str) -> str:
        inputs = [value, self._constant(f"{name}.weight"), self._constant(f"{name}.bias")]
        return self._writer.emit("LayerNormalization", inputs, name, {"axis": -1, "epsilon": self._shape.epsilon})

    def _reshape(self, value: str, sizes: tuple[int, ...], name: str) -> str:
        shape = self._writer.constant(np.array(sizes, np.int64), f"{name}.shape")
        return self._writer.emit("Reshape", [value, shape], name)

    def _constant(self, name: str) -> str:
        return self._writer.constant(self._weights[name], name)
