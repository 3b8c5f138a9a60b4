"""What is known until the run ends, whatever the disk takes: the assistants that a reload has follow each other share
it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from assistant.muting import MuteMemory


class Unkept(NamedTuple):
    """What could not be written, and what writes it."""

    value: Any
    write: Callable[[Any], None]


class RunMemory:
    """Of one run of the process."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is `assistant.state.state_dir`; None keeps nothing."""
        self.mute = MuteMemory(folder)
        self.unkept: dict[str, Unkept] = {}
        """By its name; the mute remembers by itself."""
