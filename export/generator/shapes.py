"""Sizes of encoder and decoder, and the weights that they need, by names that all architectures share.

Encoder: "patches" or "conv1", "conv2", "class_token", "positions", "block.<n>.{norm_1,query,key,value,output,norm_2,up,
down}", "final_norm", and "bridge" where the decoder is of another width.
Decoder: "tokens.weight", "positions.weight", "embedded_norm", "layer.<n>.self.{query,key,value,output,norm}",
"layer.<n>.cross.{…}", "layer.<n>.{up,down,norm}", "decoder.final_norm", "transform", "transform_norm",
"head.{weight,bias}".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from export.recipe import Array

Shapes = Mapping[str, tuple[int, ...]]
PROJECTIONS = ("query", "key", "value", "output")


@dataclass(frozen=True, slots=True)
class PictureInput:
    """A picture in square patches, with a token for the whole."""

    image_px: int
    patch_px: int


@dataclass(frozen=True, slots=True)
class SoundInput:
    """A log-mel spectrogram, whose time is halved by the second of two convolutions."""

    mels: int
    frames: int


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """Pre-norm transformer blocks over a picture or a sound."""

    input: PictureInput | SoundInput
    width: int
    layers: int
    heads: int
    hidden: int
    epsilon: float

    @property
    def count(self) -> int:
        """Vectors that come out."""
        if isinstance(self.input, SoundInput):
            return self.input.frames // 2
        return (self.input.image_px // self.input.patch_px) ** 2 + 1


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """A transformer that looks at what was said and at the encoder's vectors."""

    width: int
    layers: int
    heads: int
    hidden: int
    positions: int
    """Rows of the table of positions."""
    room: int
    """Tokens that the cache holds: the longest text."""
    vocabulary: int
    epsilon: float
    activation: Literal["gelu", "gelu_tanh"] = "gelu"
    post_norm: bool = False
    """Normalise after each sum, as BERT does, and not before each branch."""
    key_bias: bool = True
    transform: bool = False
    """A dense layer before the odds, and a bias on them, as BERT has."""

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


def encoder_weights(shape: EncoderShape, decoder: DecoderShape) -> Shapes:
    """Every weight of the encoder's graph, with the decoder's projections of its vectors."""
    return dict(_encoder_weights(shape, decoder))


def decoder_weights(shape: DecoderShape) -> Shapes:
    """Every weight of the decoder's graph."""
    return dict(_decoder_weights(shape))


def random_weights(shapes: Shapes, seed: int) -> dict[str, Array]:
    """Seeded normal weights whose activations neither vanish nor grow; normalisations that do nothing."""
    rng = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for name, size in shapes.items():
        if name.endswith(".bias") or "norm" in name:
            found[name] = np.full(size, 0.0 if name.endswith(".bias") else 1.0, np.float32)
        else:
            inputs = 0 if name.startswith(_TABLES) else int(np.prod(size[1:]))
            deviation = 1.0 / np.sqrt(inputs) if inputs else _TABLE_DEVIATION
            found[name] = rng.standard_normal(size, np.float32) * np.float32(deviation)
    return found


_TABLE_DEVIATION = 0.1
_TABLES = ("tokens.", "positions", "class_token", "head.")
_Named = Iterator[tuple[str, tuple[int, ...]]]


def _encoder_weights(shape: EncoderShape, decoder: DecoderShape) -> _Named:
    width = shape.width
    if isinstance(shape.input, SoundInput):
        yield from _with_bias("conv1", (width, shape.input.mels, 3))
        yield from _with_bias("conv2", (width, width, 3))
        yield "positions", (shape.count, width)
    else:
        side = shape.input.patch_px
        yield from _with_bias("patches", (width, 3, side, side))
        yield "class_token", (1, 1, width)
        yield "positions", (1, shape.count, width)
    for block in range(shape.layers):
        prefix = f"block.{block}."
        yield from _norm(f"{prefix}norm_1", width)
        for name in PROJECTIONS:
            if name == "key" and isinstance(shape.input, SoundInput):
                yield f"{prefix}{name}.weight", (width, width)
            else:
                yield from _with_bias(f"{prefix}{name}", (width, width))
        yield from _norm(f"{prefix}norm_2", width)
        yield from _with_bias(f"{prefix}up", (shape.hidden, width))
        yield from _with_bias(f"{prefix}down", (width, shape.hidden))
    yield from _norm("final_norm", width)
    from_width = width
    if _has_bridge(shape, decoder):
        yield from _with_bias("bridge", (decoder.width, width))
        from_width = decoder.width
    for layer in range(decoder.layers):
        yield from _projection(f"layer.{layer}.cross.key", (decoder.width, from_width), bias=decoder.key_bias)
        yield from _with_bias(f"layer.{layer}.cross.value", (decoder.width, from_width))


def _has_bridge(shape: EncoderShape, decoder: DecoderShape) -> bool:
    """BERT's cross attention takes vectors of the encoder's width; others are brought to the decoder's first."""
    return shape.width != decoder.width and not decoder.post_norm


def _decoder_weights(shape: DecoderShape) -> _Named:
    width = shape.width
    yield "tokens.weight", (shape.vocabulary, width)
    yield "positions.weight", (shape.positions, width)
    if shape.post_norm:
        yield from _norm("embedded_norm", width)
    for layer in range(shape.layers):
        for kind, names in (("self", PROJECTIONS), ("cross", ("query", "output"))):
            prefix = f"layer.{layer}.{kind}."
            yield from _norm(f"{prefix}norm", width)
            for name in names:
                yield from _projection(f"{prefix}{name}", (width, width), bias=name != "key" or shape.key_bias)
        yield from _norm(f"layer.{layer}.norm", width)
        yield from _with_bias(f"layer.{layer}.up", (shape.hidden, width))
        yield from _with_bias(f"layer.{layer}.down", (width, shape.hidden))
    if shape.transform:
        yield from _with_bias("transform", (width, width))
        yield from _norm("transform_norm", width)
        yield "head.bias", (shape.vocabulary,)
    if not shape.post_norm:
        yield from _norm("decoder.final_norm", width)


def _projection(name: str, size: tuple[int, ...], *, bias: bool) -> _Named:
    yield f"{name}.weight", size
    if bias:
        yield f"{name}.bias", size[:1]


def _with_bias(name: str, size: tuple[int, ...]) -> _Named:
    yield from _projection(name, size, bias=True)


def _norm(name: str, width: int) -> _Named:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)
