"""`assistant-export import` of a checkpoint that writes text: its files beside a recipe for encoder and decoder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from assistant.config_schema import toml_value
from assistant.models.changes import making
from assistant.models.manifest import MANIFEST_FILE
from export.generator.checkpoint import GeneratorCheckpoint
from export.generator.encoder_graph import input_of
from export.generator.folder import CHECKPOINT
from export.recipes_of_yours import RECIPE_FILE


def import_generator(checkpoint: GeneratorCheckpoint, origin: str, target: Path, tell: Callable[[str], object]) -> None:
    """Make the folder `target`, whole or not at all, and `tell` what to do next. Raises `ConversionError` for weights
    that do not fit."""
    for weights in (checkpoint.encoder_weights, checkpoint.decoder_weights):
        weights()  # now, and not when it is built, is the time to hear what is wrong with them
    with making(target, tell) as folder:
        (folder / CHECKPOINT).mkdir()
        for path in checkpoint.files:
            shutil.copyfile(path, folder / CHECKPOINT / path.name)
        for name, text in _texts(checkpoint, origin, target.name).items():
            (folder / name).write_text(text, encoding="utf-8")
    name, shape = input_of(checkpoint.encoder)
    tell(f"{target}: encoder ({name} {list(shape)}) and decoder ({checkpoint.decoder.vocabulary} tokens)")
    tell(f"Fill in what says TODO in {MANIFEST_FILE}, then: assistant-export build {target}")


def _texts(checkpoint: GeneratorCheckpoint, origin: str, name: str) -> Mapping[str, str]:
    lines = [
        'version = "1"',
        'task = "TODO"  # such as "image-captioning"',
        f"title = {toml_value(name)}",
        'licence = "TODO"  # of the weights: SPDX where there is one, else "unstated"',
        'licence_source = "TODO"  # who says so',
        "licence_clear = false",
        f"notes = [{toml_value(f'Imported from {origin}.')}]",
        "",
        "[preprocessing]",
        *(f"{key} = {toml_value(value)}" for key, value in checkpoint.preprocessing.items()),
    ]
    for path in checkpoint.files:
        source = toml_value(path.name)
        lines += ["", "[[source]]", f"id = {source}", f'uri = "file:{CHECKPOINT}/{path.name}"']
        lines += ["", "[[file]]", f"name = {source}", f"source = {source}"]
    recipe = f'''"""{name}, which was imported: model.toml says from where."""

from pathlib import Path

from export.generator.folder import generator_folder

RECIPES = generator_folder(Path(__file__))
'''
    return {MANIFEST_FILE: "\n".join(lines) + "\n", RECIPE_FILE: recipe}
