"""Remembers across reloads and restarts that the assistant was muted: who was told not to listen must not begin to by
one."""

from __future__ import annotations

import os
from pathlib import Path

from assistant.errors import ConfigError

_NAME = "muted"


class MuteMemory:
    """A file that is there while the assistant is muted."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is `assistant.state.state_dir`; None forgets everything at the end of the run."""
        self._path = folder / _NAME if folder is not None else None
        self._unkept: bool | None = None
        """What could not be written: it holds until the end of the run."""

    @property
    def is_kept(self) -> bool:
        """Whether a restart would know what `recall` says."""
        return self._unkept is None

    def recall(self) -> bool:
        """Whether it was muted when it ran last. What cannot be read counts as muted: the error is on the safe side."""
        if self._unkept is not None:
            return self._unkept
        if self._path is None:
            return False
        try:
            self._path.stat()  # `exists` is False for some of what cannot be read, from Python 3.14 on for all of it
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    def remember(self, muted: bool) -> None:
        """Keep it. Raises `ConfigError` when the file cannot be written or removed."""
        self._unkept = muted
        if self._path is None:
            return
        try:
            if muted:
                _make_mark(self._path)
            else:
                self._path.unlink(missing_ok=True)
            self._unkept = None
        except OSError as error:
            raise ConfigError(
                f"{self._path} cannot be changed ({error.strerror}), so a restart will not know whether it was muted.",
                remedy="Free some space, or set state.dir to a folder that the assistant may write to.",
            ) from error


def _make_mark(path: Path) -> None:
    """An empty file, for which a full disk has room too; it is on disk at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
