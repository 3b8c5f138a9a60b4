"""How the store changes: one process at a time, beside the old until complete, and nothing left of what failed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from filelock import FileLock, Timeout

from assistant.errors import ModelError
from assistant.models.progress import Progress

LOCK_FILE = ".lock"
STAGING_FOLDER = ".staging"
LOCK_TIMEOUT_S = 3600.0
"""How long another process may hold the store: a first pull over a slow line."""
SPARE_BYTES = 16_000_000
"""Left free beyond what a pull needs."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def changing(root: Path, progress: Progress) -> Iterator[None]:
    """Hold the store's lock. Raises `ModelError` when it cannot be had, or the store cannot be written."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / LOCK_FILE)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress.note("Another process is changing the model store; waiting for it.")
            lock.acquire(timeout=LOCK_TIMEOUT_S)
        try:
            shutil.rmtree(root / STAGING_FOLDER, ignore_errors=True)  # left by a process that was killed
            yield
        finally:
            lock.release()
    except Timeout as error:
        raise ModelError(
            f"Another process has held the model store for {LOCK_TIMEOUT_S:.0f} s.", remedy="End it, then try again."
        ) from error
    except OSError as error:
        raise ModelError(
            f"The model store {root} cannot be changed: {error.strerror}.",
            remedy="Use its owner's account, or choose another folder: ASSISTANT_MODELS__DIR=/path/to/models",
        ) from error


@contextmanager
def require_space(root: Path, name: str, needed_bytes: int, clean_up: Callable[[], None]) -> Iterator[None]:
    """Refuse a pull that the disk cannot hold, and turn a disk that fills up into a `ModelError` that says so.

    `clean_up` removes what the pull has fetched, so that a full disk is not left full.
    """
    free_bytes = shutil.disk_usage(root).free
    if free_bytes < needed_bytes + SPARE_BYTES:
        raise _disk_full(root, name, needed_bytes, free_bytes)
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        clean_up()
        raise _disk_full(root, name, needed_bytes, shutil.disk_usage(root).free) from error


@contextmanager
def staging_folder(root: Path) -> Iterator[Path]:
    """A folder on the store's own filesystem, gone at the end of the block."""
    parent = root / STAGING_FOLDER
    parent.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


def swap_in(target: Path, place: Path, staging: Path) -> None:
    """Put a complete folder in its place, on disk before its name appears."""
    for path in (*target.rglob("*"), target):
        _sync(path)
    if place.exists():
        place.rename(Path(mkdtemp(dir=staging)) / "old")
    target.rename(place)
    _sync(place.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _disk_full(root: Path, name: str, needed_bytes: int, free_bytes: int) -> ModelError:
    need = f"about {needed_bytes / 1e6:,.0f} MB" if needed_bytes else "more space"
    return ModelError(
        f"The disk is full: '{name}' needs {need} in {root}, {free_bytes / 1e6:,.0f} MB are free. Nothing was left.",
        remedy="Free some space, or choose another folder: ASSISTANT_MODELS__DIR=/path/to/models",
    )
