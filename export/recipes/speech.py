"""Whisper tiny (39 million weights) as encoder and decoder: a yardstick with random weights.

No hub can be asked at build time, so the weights are seeded random numbers: speed, size and numerical parity mean
something, words do not. A real checkpoint goes the same way: `assistant-export import FOLDER`.
"""

from __future__ import annotations

import functools
from pathlib import Path

from assistant.inference.generation_rules import GenerationRules
from assistant.models.store import ModelStore
from export.generator.recipes import Generator, generator_recipes
from export.generator.shapes import (
    DecoderShape,
    EncoderShape,
    SoundInput,
    decoder_weights,
    encoder_weights,
    random_weights,
)
from export.recipe import Card, yardstick_card

_ENCODER = EncoderShape(SoundInput(mels=80, frames=3000), width=384, layers=4, heads=6, hidden=1536, epsilon=1e-5)
_DECODER = DecoderShape(
    width=384, layers=4, heads=6, hidden=1536, positions=448, room=448, vocabulary=51865, epsilon=1e-5, key_bias=False
)
_START, _END = 50258, 50257


def _card(_store: ModelStore) -> Card:
    return yardstick_card("Whisper tiny, 30 s", "speech-recognition", "Radford et al. 2022", "words")


ENCODER, DECODER = generator_recipes(
    Generator(
        name="speech",
        file=Path(__file__),
        card=_card,
        encoder=_ENCODER,
        decoder=_DECODER,
        encoder_weights=functools.partial(random_weights, encoder_weights(_ENCODER, _DECODER), seed=0),
        decoder_weights=functools.partial(random_weights, decoder_weights(_DECODER), seed=1),
        rules=GenerationRules(prompt=(_START,), end=(_END,), max_tokens=_DECODER.room),
        trained=False,
    )
)
