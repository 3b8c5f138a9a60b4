"""Reading engine files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from assistant.inference.fallback import EngineError, FallbackReason

REBUILD = "It is built again by: assistant-export compile BUNDLE"


def read_engine(path: Path, sha256: str | None) -> bytes:
    """The bytes of an engine, which must have that hash if one is given. Raises `EngineError`."""
    try:
        serialized = path.read_bytes()
    except OSError as error:
        raise EngineError(
            FallbackReason.HASH_MISMATCH, f"The engine {path} cannot be read: {error}.", remedy=REBUILD
        ) from error
    if sha256 is not None and (got := hashlib.sha256(serialized).hexdigest()) != sha256:
        raise EngineError(
            FallbackReason.HASH_MISMATCH,
            f"The engine {path} was altered: expected SHA-256 {sha256}, got {got}.",
            remedy=REBUILD,
        )
    return serialized
