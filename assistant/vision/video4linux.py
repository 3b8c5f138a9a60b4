"""Which cameras the kernel knows."""

from __future__ import annotations

from pathlib import Path


def cameras() -> list[tuple[str, str]]:
    """(path, name) of each Video4Linux capture device, as the kernel lists them; none is opened."""
    found = []
    for entry in sorted(Path("/sys/class/video4linux").glob("video*")):
        # A camera's second node carries metadata, not pictures: its index is not 0.
        index = entry / "index"
        if not index.is_file() or index.read_text().strip() == "0":
            found.append((f"/dev/{entry.name}", (entry / "name").read_text().strip()))
    return found
