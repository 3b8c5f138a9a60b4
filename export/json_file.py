"""Settings in JSON files of others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.errors import ConversionError


def read_json(path: Path) -> Mapping[str, Any]:
    """The table in a file. Raises `ConversionError` for a file that holds none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConversionError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise ConversionError(f"{path} is no table of settings.")
    return content
