"""How the store, or another folder of folders, changes: one process at a time, beside the old until complete, and
nothing left of what failed."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from filelock import BaseFileLock, FileLock, Timeout

from assistant.errors import ModelError
from assistant.models.progress import Progress

LOCK_FILE = ".lock"
STAGING_FOLDER = ".staging"
OURS = ".edge-assistant-"
"""Begins the names of what is being made in a folder that is the user's: other things lie there."""
LOCK_TIMEOUT_S = 3600.0
_ASKS_AGAIN_S = 0.1
"""How long another process may hold the store: a first pull over a slow line."""
SPARE_BYTES = 16_000_000
"""Left free beyond what a pull needs."""

_ASIDE = "old-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def changing(root: Path, progress: Progress) -> Iterator[None]:
    """Hold the store's lock. Raises `ModelError` when it cannot be had, or the store cannot be written."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _held(FileLock(root / LOCK_FILE), "the model store", progress.note):
            _put_back(root, (root / STAGING_FOLDER).glob("*"))
            shutil.rmtree(root / STAGING_FOLDER, ignore_errors=True)
            yield
    except OSError as error:
        raise ModelError(
            f"The model store {root} cannot be changed: {error.strerror}.",
            remedy="Use its owner's account, or choose another folder: ASSISTANT_MODELS__DIR=/path/to/models",
        ) from error


@contextmanager
def staging_in(root: Path, what: str, note: Callable[[str], object]) -> Iterator[Path]:
    """Hold a folder of the user's, rid of what a killed process of ours left in it; gives a folder for what is made.

    That folder is on the filesystem of `root`, and gone after the block. `note` is told when another process has to be
    waited for. Raises `ModelError` when it takes too long, `OSError` when the folder cannot be written.
    """
    root.mkdir(parents=True, exist_ok=True)
    with _folder_held(root, what, note):
        left = list(root.glob(f"{OURS}*"))
        _put_back(root, left)
        for folder in left:
            shutil.rmtree(folder, ignore_errors=True)
        with TemporaryDirectory(dir=root, prefix=OURS) as staging:
            yield Path(staging)


@contextmanager
def _folder_held(root: Path, what: str, note: Callable[[str], object]) -> Iterator[None]:
    """Hold the folder itself: a file to be locked would be litter among the user's, and cannot be removed safely."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        until_s, told = time.monotonic() + LOCK_TIMEOUT_S, False
        while not _try_to_hold(descriptor):
            if time.monotonic() > until_s:
                raise _held_too_long(what)
            if not told:
                note(f"Another process is changing {what}; waiting for it.")
                told = True
            time.sleep(_ASKS_AGAIN_S)
        yield
    finally:
        os.close(descriptor)


def _try_to_hold(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _held(lock: BaseFileLock, what: str, note: Callable[[str], object]) -> Iterator[None]:
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            note(f"Another process is changing {what}; waiting for it.")
            lock.acquire(timeout=LOCK_TIMEOUT_S)
    except Timeout as error:
        raise _held_too_long(what) from error
    try:
        yield
    finally:
        lock.release()


def _held_too_long(what: str) -> ModelError:
    return ModelError(f"Another process has held {what} for {LOCK_TIMEOUT_S:.0f} s.", remedy="End it, then try again.")


def _put_back(root: Path, left: Iterable[Path]) -> None:
    """Undo what a killed process had begun: what it had put aside goes back where nothing took its place."""
    for old in (old for staging in left for old in staging.glob(f"{_ASIDE}*/*")):
        if not (root / old.name).exists():
            old.rename(root / old.name)


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
    """A folder on the filesystem of the store `root`, gone at the end of the block."""
    parent = root / STAGING_FOLDER
    parent.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


@contextmanager
def making(place: Path, note: Callable[[str], object]) -> Iterator[Path]:
    """An empty folder that becomes `place`, on disk, at the end of the block; nothing of it is left if that raises.

    Raises `ModelError` if something is there.
    """
    with staging_in(place.parent, f"the folder {place.parent}", note) as staging:
        if place.exists():
            raise ModelError(f"{place} is there already.", remedy="Give it another name, or remove it.")
        (target := staging / "new").mkdir()
        yield target
        swap_in(target, place, staging)


def swap_in(target: Path, place: Path, staging: Path) -> None:
    """Put a complete folder in its place, on disk before its name appears.

    What was there goes into `staging`, under its own name, until it is known that it is not needed any more.
    """
    for path in (*target.rglob("*"), target):
        _sync(path)
    if not place.exists():
        target.rename(place)
    else:
        old = place.rename(Path(mkdtemp(dir=staging, prefix=_ASIDE)) / place.name)
        try:
            target.rename(place)
        except BaseException:
            old.rename(place)
            raise
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
