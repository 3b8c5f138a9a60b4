"""Image captioners as encoder and decoder: ViT-B/16 with GPT-2 small, and BLIP base. Yardsticks with random weights.

No hub can be asked at build time, so the weights are seeded random numbers: speed, size and numerical parity mean
something, words do not. A real checkpoint goes the same way: `assistant-export import FOLDER`.
"""

from __future__ import annotations

import functools
from pathlib import Path

from assistant.inference.generation_rules import GenerationRules
from assistant.models.store import ModelStore
from export.generator.checkpoint import CAPTION_TOKENS
from export.generator.recipes import Generator, generator_recipes
from export.generator.shapes import (
    DecoderShape,
    EncoderShape,
    PictureInput,
    decoder_weights,
    encoder_weights,
    random_weights,
)
from export.recipe import Card, Recipe, yardstick_card


def _yardstick(
    name: str, title: str, paper: str, shapes: tuple[EncoderShape, DecoderShape], start: int, end: int
) -> tuple[Recipe, Recipe]:
    encoder, decoder = shapes

    def card(_store: ModelStore) -> Card:
        return yardstick_card(title, "image-captioning", paper, "words")

    return generator_recipes(
        Generator(
            name=name,
            file=Path(__file__),
            card=card,
            encoder=encoder,
            decoder=decoder,
            encoder_weights=functools.partial(random_weights, encoder_weights(encoder, decoder), seed=0),
            decoder_weights=functools.partial(random_weights, decoder_weights(decoder), seed=1),
            rules=GenerationRules(prompt=(start,), end=(end,), max_tokens=decoder.room),
            trained=False,
        )
    )


def _vision(image_px: int, epsilon: float) -> EncoderShape:
    return EncoderShape(PictureInput(image_px, 16), width=768, layers=12, heads=12, hidden=3072, epsilon=epsilon)


_GPT2 = DecoderShape(
    width=768,
    layers=12,
    heads=12,
    hidden=3072,
    positions=1024,
    room=CAPTION_TOKENS,
    vocabulary=50257,
    epsilon=1e-5,
    activation="gelu_tanh",
)
_BLIP = DecoderShape(
    width=768,
    layers=12,
    heads=12,
    hidden=3072,
    positions=512,
    room=CAPTION_TOKENS,
    vocabulary=30524,
    epsilon=1e-12,
    post_norm=True,
    transform=True,
)

ENCODER, DECODER = _yardstick(
    "captioner",
    "ViT-B/16 and GPT-2 small",
    "Dosovitskiy et al. 2020 and Radford et al. 2019",
    (_vision(224, 1e-12), _GPT2),
    start=50256,
    end=50256,
)
BLIP_ENCODER, BLIP_DECODER = _yardstick(
    "captioner-blip",
    "BLIP base, 384 px",
    "Li et al. 2022",
    (_vision(384, 1e-5), _BLIP),
    start=30522,
    end=102,
)
