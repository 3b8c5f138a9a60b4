"""The encoder: a picture or a sound → for every decoder layer, the keys and values of its cross attention.

Those are computed here, once, and not by the decoder for every token.
"""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from export.generator.shapes import DecoderShape, EncoderShape, SoundInput
from export.layer_writer import LayerWriter
from export.recipe import Array


def input_of(shape: EncoderShape) -> tuple[str, tuple[int, ...]]:
    """The input's name, as Hugging Face calls it, and its shape."""
    if isinstance(shape.input, SoundInput):
        return "input_features", (1, shape.input.mels, shape.input.frames)
    return "pixel_values", (1, 3, shape.input.image_px, shape.input.image_px)


def memory_shapes(shape: EncoderShape, decoder: DecoderShape) -> dict[str, tuple[int, ...]]:
    """The outputs: "cross_keys_<layer>" and "cross_values_<layer>", (heads, vectors, head size) each."""
    size = (decoder.heads, shape.count, decoder.head_size)
    return {f"cross_{kind}_{layer}": size for layer in range(decoder.layers) for kind in ("keys", "values")}


def encoder_graph(weights: Mapping[str, Array], shape: EncoderShape, decoder: DecoderShape) -> onnx.ModelProto:
    """Write it down. Raises `KeyError` for a missing weight."""
    write = LayerWriter(weights, shape.epsilon)
    name, size = input_of(shape)
    vectors = _embed_sound(write, shape, name) if isinstance(shape.input, SoundInput) else _embed(write, shape, name)
    for block in range(shape.layers):
        vectors = _block(write, shape, vectors, f"block.{block}.")
    vectors = write.normalize(vectors, "final_norm")
    if write.has("bridge.weight"):
        vectors = write.linear(vectors, "bridge")
    for layer in range(decoder.layers):
        for part, kind in (("key", "keys"), ("value", "values")):
            rows = write.linear(vectors, f"layer.{layer}.cross.{part}")
            heads = write.reshape(rows, (shape.count, decoder.heads, decoder.head_size), f"{rows}.heads")
            write.emit("Transpose", [heads], f"cross_{kind}_{layer}", {"perm": [1, 0, 2]})
    return write.model("encoder", {name: size}, memory_shapes(shape, decoder))


def _embed(write: LayerWriter, shape: EncoderShape, name: str) -> str:
    """A picture → (1, vectors, width), the first for the whole."""
    assert not isinstance(shape.input, SoundInput)
    side = [shape.input.patch_px] * 2
    inputs = [name, write.weight("patches.weight"), write.weight("patches.bias")]
    patches = write.emit("Conv", inputs, "patches", {"strides": side, "kernel_shape": side})
    columns = write.reshape(patches, (1, shape.width, shape.count - 1), "patches.columns")
    rows = write.emit("Transpose", [columns], "patches.rows", {"perm": [0, 2, 1]})
    vectors = write.emit("Concat", [write.weight("class_token"), rows], "vectors", {"axis": 1})
    return write.emit("Add", [vectors, write.weight("positions")], "embedding")


def _embed_sound(write: LayerWriter, shape: EncoderShape, value: str) -> str:
    """A spectrogram → (1, vectors, width)."""
    for name, stride in (("conv1", 1), ("conv2", 2)):
        inputs = [value, write.weight(f"{name}.weight"), write.weight(f"{name}.bias")]
        attributes = {"strides": [stride], "kernel_shape": [3], "pads": [1, 1]}
        value = write.gelu(write.emit("Conv", inputs, name, attributes))
    rows = write.emit("Transpose", [value], "sound.rows", {"perm": [0, 2, 1]})
    return write.emit("Add", [rows, write.weight("positions")], "embedding")


def _block(write: LayerWriter, shape: EncoderShape, vectors: str, prefix: str) -> str:
    normal = write.normalize(vectors, f"{prefix}norm_1")
    projected = [write.linear(normal, f"{prefix}{name}") for name in ("query", "key", "value")]
    mixed = write.attention(prefix, projected, (shape.count, shape.width, shape.heads))
    vectors = write.emit("Add", [vectors, write.linear(mixed, f"{prefix}output")], f"{prefix}attended")
    inner = write.linear(write.normalize(vectors, f"{prefix}norm_2"), f"{prefix}up")
    return write.emit("Add", [vectors, write.linear(write.gelu(inner), f"{prefix}down")], f"{prefix}sum")
