"""Vision Transformer (Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929) → ONNX, with numpy and onnx alone.

Weights go by the names of Hugging Face's `ViTForImageClassification`, so that a checkpoint folder's tensors fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from export.layer_writer import LayerWriter
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
        self._shape = shape
        self._writer = LayerWriter(weights, shape.epsilon)

    def build(self) -> onnx.ModelProto:
        write, shape = self._writer, self._shape
        tokens = self._embed()
        for layer in range(shape.layers):
            tokens = self._layer(tokens, f"vit.encoder.layer.{layer}.")
        tokens = write.normalize(tokens, "vit.layernorm")
        first = write.constant(np.array(0, np.int64), "class_token")
        pooled = write.emit("Gather", [tokens, first], "pooled", {"axis": 1})
        matrix, bias = write.weight("classifier.weight"), write.weight("classifier.bias")
        write.emit("Gemm", [pooled, matrix, bias], OUTPUT, {"transB": 1})
        sizes = (1, 3, shape.image_px, shape.image_px)
        return write.model("vit", {INPUT: sizes}, {OUTPUT: (1, shape.classes)})

    def _embed(self) -> str:
        """(1, tokens, width)."""
        write, shape = self._writer, self._shape
        name = "vit.embeddings.patch_embeddings.projection"
        inputs = [INPUT, write.weight(f"{name}.weight"), write.weight(f"{name}.bias")]
        sizes = [shape.patch_px, shape.patch_px]
        patches = write.emit("Conv", inputs, "patches", {"strides": sizes, "kernel_shape": sizes})
        columns = write.reshape(patches, (1, shape.width, shape.patches), "patches.columns")
        rows = write.emit("Transpose", [columns], "patches.rows", {"perm": [0, 2, 1]})
        tokens = write.emit("Concat", [write.weight("vit.embeddings.cls_token"), rows], "tokens", {"axis": 1})
        return write.emit("Add", [tokens, write.weight("vit.embeddings.position_embeddings")], "embedding")

    def _layer(self, tokens: str, prefix: str) -> str:
        write = self._writer
        attended = self._attention(write.normalize(tokens, f"{prefix}layernorm_before"), prefix)
        tokens = write.emit("Add", [attended, tokens], f"{prefix}attention.residual")
        inner = write.linear(write.normalize(tokens, f"{prefix}layernorm_after"), f"{prefix}intermediate.dense")
        inner = write.linear(write.gelu(inner), f"{prefix}output.dense")
        return write.emit("Add", [inner, tokens], f"{prefix}residual")

    def _attention(self, tokens: str, prefix: str) -> str:
        write, shape = self._writer, self._shape
        names = [f"{prefix}attention.attention.{kind}" for kind in ("query", "key", "value")]
        projected = [write.linear(tokens, name) for name in names]
        sizes = (shape.patches + 1, shape.width, shape.heads)
        mixed = write.attention(f"{prefix}attention.", projected, sizes)
        return write.linear(mixed, f"{prefix}attention.output.dense")
