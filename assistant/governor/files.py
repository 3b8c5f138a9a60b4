"""The kernel's small files below a folder that stands for `/`, so that a recorded machine can be put in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


class Files:
    """Reads what is there; what is not there, or does not answer, is None."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def glob(self, pattern: str) -> Iterator[str]:
        """Paths that match, relative to the root, in order. Looked up each time: devices come and go."""
        for path in sorted(self.root.glob(pattern)):
            yield str(path.relative_to(self.root))

    def text(self, path: str) -> str | None:
        """The content without the line end. A sensor whose part of the chip is switched off answers with an error."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip().strip("\0")
        except OSError:
            return None

    def number(self, path: str) -> float | None:
        """The content as a number."""
        return as_number(self.text(path))


def as_number(text: str | None) -> float | None:
    """The number that `text` is, None if it is none ("max")."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
