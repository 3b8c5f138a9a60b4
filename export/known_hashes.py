"""SHA-256 of files that every build asks for again: read anew only where size or times say that they were written to.

An unchanged build of all recipes looks at gigabytes; hashing them would take longer than anything else in it.
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path

from assistant.atomic import write_text
from assistant.models.hashing import hash_file


class KnownHashes:
    """What is known of files by their paths, kept in the file `record`, which is read when it is first needed."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._changed = False

    def sha256(self, path: Path) -> str:
        """A file's hash. Raises `OSError` when it cannot be read."""
        known = self._known.get(str(path.absolute()))
        if known is not None and known[:-1] == _state(path):
            return str(known[-1])
        sha256 = hash_file(path)[0]
        self.learn(path, sha256)
        return sha256

    def learn(self, path: Path, sha256: str) -> None:
        """Take for granted, until it is written to, that a file has this hash."""
        self._known[str(path.absolute())] = [*_state(path), sha256]
        self._changed = True

    def forget(self, path: Path) -> None:
        """Read it again when it is next asked for."""
        self._changed |= self._known.pop(str(path.absolute()), None) is not None

    def save(self) -> None:
        """Write the record, without the files that are gone."""
        if self._changed:
            here = {name: known for name, known in self._known.items() if Path(name).exists()}
            write_text(self._record, json.dumps(here))
            self._changed = False

    @cached_property
    def _known(self) -> dict[str, list[int | str]]:
        try:
            return dict(json.loads(self._record.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return {}


def _state(path: Path) -> list[int | str]:
    """Size and times in ns. What copies a file's time of writing cannot copy that of the change of its inode."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
