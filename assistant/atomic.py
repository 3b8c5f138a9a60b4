"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; at the end of the block it becomes `path`, or goes away if the block raised.

    The parent folder is made. The content is on disk (fsync) before the name changes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False) as handle:
        temporary = Path(handle.name)
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        _give_rights(temporary, path)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _give_rights(temporary: Path, path: Path) -> None:
    """A temporary file is private to its owner; the result gets what the file that it replaces has, so that a secret
    stays one, or what the umask allows, like any other file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        return
    with suppress(PermissionError):  # only root can give a file to somebody else
        os.chown(temporary, status.st_uid, status.st_gid)
    temporary.chmod(stat.S_IMODE(status.st_mode))


@contextmanager
def replace_files_in(folder: Path) -> Iterator[Path]:
    """Give a temporary folder inside `folder`; at the end of the block its files replace those of the same names.

    If the block raises, `folder` is as it was before, so that files that belong together are of one run.
    """
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(dir=folder, prefix=".", suffix=".part") as temporary:
            yield Path(temporary)
            for path in Path(temporary).iterdir():
                path.replace(folder / path.name)
    except BaseException:
        if made:
            with suppress(OSError):
                folder.rmdir()
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
