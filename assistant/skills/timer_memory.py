"""Keeps running timers across restarts: whoever set one for the oven does not care that the service was updated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.atomic import write_text
from assistant.errors import StageError

FILE_NAME = "timers.json"


class KeptTimer(BaseModel):
    """A timer as it is kept. Its end is on the wall clock, the only one that goes on while the machine is off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    duration_s: int = Field(gt=0)
    ends_at: float
    """Seconds since the epoch."""
    language: str
    rung: bool = False
    """Whether it was heard to ring, but nobody had reacted."""


class _KeptTimers(BaseModel):
    model_config = ConfigDict(extra="forbid")

    timers: tuple[KeptTimer, ...]


def recall(folder: Path) -> Sequence[KeptTimer]:
    """The timers that ran when the assistant ended. Raises `StageError` for a file that cannot be read."""
    path = folder / FILE_NAME
    try:
        return _KeptTimers.model_validate_json(path.read_bytes()).timers
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        raise StageError(
            f"The timers kept in {path} cannot be read: {error}.",
            remedy="Set them again; the next one that is set replaces the file.",
        ) from error


def remember(folder: Path, timers: Sequence[KeptTimer]) -> None:
    """Keep these, and only these. Raises `StageError` when the file cannot be written."""
    path = folder / FILE_NAME
    try:
        if timers:
            write_text(path, _KeptTimers(timers=tuple(timers)).model_dump_json(exclude_defaults=True))
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StageError(
            f"The timers cannot be kept in {path} ({error.strerror}), so a restart will lose them.",
            remedy="Free some space, or set state.dir to a folder that the assistant may write to.",
        ) from error
