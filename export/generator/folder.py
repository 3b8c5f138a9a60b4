"""A folder that `assistant-export import` made of a checkpoint that writes text: `checkpoint/` and a `model.toml`."""

from __future__ import annotations

from pathlib import Path

from assistant.models.manifest import MANIFEST_FILE, load_manifest
from assistant.models.store import ModelStore
from export.generator.checkpoint import read_generator
from export.generator.recipes import Generator, generator_recipes
from export.recipe import Card, Recipe, card_of

CHECKPOINT = "checkpoint"
_TOKENIZER = "tokenizer.json"


def generator_folder(file: Path) -> tuple[Recipe, Recipe]:
    """The recipes of the folder that `file` (a `recipe.py`) lies in: encoder and decoder."""
    folder = file.parent
    checkpoint = read_generator(folder / CHECKPOINT)
    tokenizer = folder / CHECKPOINT / _TOKENIZER

    def card(_store: ModelStore) -> Card:
        return card_of(load_manifest(folder / MANIFEST_FILE))

    return generator_recipes(
        Generator(
            name=folder.resolve().name,
            file=file,
            card=card,
            encoder=checkpoint.encoder,
            decoder=checkpoint.decoder,
            encoder_weights=checkpoint.encoder_weights,
            decoder_weights=checkpoint.decoder_weights,
            rules=checkpoint.rules,
            sources=checkpoint.files,
            assets=(tokenizer,) if tokenizer.is_file() else (),
            mean=checkpoint.preprocessing.get("image_mean", (0.5, 0.5, 0.5)),
            deviation=checkpoint.preprocessing.get("image_std", (0.5, 0.5, 0.5)),
        )
    )
