"""SHA-256 and size of files, and what to say when they are wrong."""

from __future__ import annotations

import hashlib
from pathlib import Path

BLOCK_BYTES = 1 << 20


def hash_file(path: Path) -> tuple[str, int]:
    """The SHA-256 (lower-case hex) and the size of a file."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def mismatch(got_sha256: str, got_size: int, sha256: str | None, size: int | None) -> str | None:
    """How a file differs from what is expected, in words; None if it does not. An expectation of None is no demand."""
    if size is not None and got_size != size:
        return f"expected {size:,} bytes, got {got_size:,}"
    if sha256 is not None and got_sha256 != sha256:
        return f"expected SHA-256 {sha256}, got {got_sha256}"
    return None
