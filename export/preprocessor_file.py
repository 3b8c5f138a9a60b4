"""preprocessor_config.json of a checkpoint folder: what of it a recipe needs, and nothing that is not a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from export.errors import ConversionError
from export.json_file import read_json

FILE = "preprocessor_config.json"
_A_CHANNEL = ("image_mean", "image_std")
_NUMBERS = ("rescale_factor", "resample")
SOUND = ("sampling_rate", "feature_size", "chunk_length")


def read_preprocessing(folder: Path, more: Sequence[str] = ()) -> dict[str, Any]:
    """Mean and deviation a channel (red, green, blue; of values 0 to 1), the factor of rescaling and what else is
    named in `more`, as far as the folder tells. Raises `ConversionError` naming the key: it goes into a `recipe.py`,
    which is run.
    """
    path = folder / FILE
    config = read_json(path) if path.is_file() else {}
    found: dict[str, Any] = {}
    for key in (*_A_CHANNEL, *_NUMBERS, *more):
        value = config.get(key)
        if value is None:
            continue
        if not _is_usable(key, value):
            raise ConversionError(f"{path}: {key} is {value!r}, expected {_expected(key)}.")
        found[key] = value
    return found


def _is_usable(key: str, value: object) -> bool:
    if key not in _A_CHANNEL:
        return _is_number(value)
    if not isinstance(value, list) or len(value) != 3 or not all(map(_is_number, value)):
        return False
    return key != "image_std" or min(value) > 0


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _expected(key: str) -> str:
    if key not in _A_CHANNEL:
        return "a number"
    return "three numbers, one a channel" + (", above 0" if key == "image_std" else "")
