"""Which models an engine can load."""

from __future__ import annotations

from assistant.errors import ConfigError
from assistant.models.manifest import Manifest


def check_engine(manifest: Manifest, engine: str) -> None:
    """Raise `ConfigError` when `manifest` is no model of the recogniser `engine`."""
    if f"asr.{engine}" not in manifest.used_by:
        raise ConfigError(
            f"asr.backend is '{engine}', but asr.model '{manifest.name}' is no model of it.",
            remedy="Set asr.model to one that fits: assistant models list",
        )
