"""Recordings that a user has labelled: whether the wake phrase is in them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import MediaError

LABELS = {True: frozenset({"positive", "wake", "yes", "1"}), False: frozenset({"negative", "other", "no", "0"})}
"""Names of subfolders, and values in the column `label` of a CSV file."""
_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif"})
_LAYOUT = (
    "A folder has the subfolders `positive` (each recording holds the wake phrase once) and `negative` (none does), or "
    "a file `labels.csv` with the columns `file` and `label` (positive or negative)."
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A recording, and whether the phrase is in it."""

    path: Path
    positive: bool


def recordings_in(folder: Path) -> list[Labelled]:
    """The labelled recordings of a folder. Raises `MediaError` when it has none, a label is not understood, or one is
    not there."""
    table = folder if folder.is_file() else folder / "labels.csv"
    found = list(_of_table(table)) if table.is_file() else list(_of_folders(folder))
    if not found:
        raise MediaError(f"There are no labelled recordings in {folder}.", remedy=_LAYOUT)
    return found


def _of_folders(folder: Path) -> Iterator[Labelled]:
    for positive, names in LABELS.items():
        for name in sorted(names):
            for path in sorted((folder / name).rglob("*")):
                if path.suffix.lower() in _SUFFIXES and path.is_file():
                    yield Labelled(path, positive)


def _of_table(table: Path) -> Iterator[Labelled]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MediaError(f"{table} cannot be read: {error}.", remedy=_LAYOUT) from error
    for number, row in enumerate(rows, 2):
        name, label = row.get("file"), (row.get("label") or "").strip().lower()
        positive = next((positive for positive, names in LABELS.items() if label in names), None)
        if not name or positive is None:
            raise MediaError(f"{table}:{number}: file is {name!r} and label is {label!r}.", remedy=_LAYOUT)
        path = table.parent / name
        if not path.is_file():
            raise MediaError(f"{table}:{number}: there is no recording at {path}.", remedy="Correct the line.")
        yield Labelled(path, positive)
