"""Taking named files out of archives (zip, wheel, tar, npm tarball, deb) that nobody has vouched for.

Nothing is ever written where the archive says: the caller names each target. An archive that holds a path with `..`,
an absolute path or a backslash is refused whole; a link, device or folder is refused where a file is wanted; sizes are
counted while unpacking, whatever the archive claims.
"""

from __future__ import annotations

import gzip
import lzma
import shutil
import stat
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from assistant.errors import DependencyMissingError, IntegrityError

MAX_ENTRIES = 50_000
MAX_TOTAL_BYTES = 20_000_000_000
"""Unpacked size of everything in an archive, as it says itself."""
BLOCK_BYTES = 1 << 20

_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    EOFError,
    NotImplementedError,  # an unknown compression in a zip
    RuntimeError,  # an encrypted zip
)


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    size: int
    is_file: bool
    is_folder: bool
    content: zipfile.ZipInfo | tarfile.TarInfo


class _Opened:
    """An archive while it is read, front to back."""

    def __init__(self, archive: Path, opened: zipfile.ZipFile | tarfile.TarFile) -> None:
        self._archive = archive
        self._opened = opened

    def entries(self) -> Iterator[_Entry]:
        total = 0
        for number, entry in enumerate(self._raw_entries()):
            total += entry.size
            if number >= MAX_ENTRIES or total > MAX_TOTAL_BYTES:
                raise IntegrityError(f"{self._archive.name} holds too much: over {MAX_ENTRIES} entries or 20 GB.")
            _refuse_unsafe_name(self._archive, entry.name)
            yield entry

    def _raw_entries(self) -> Iterator[_Entry]:
        if isinstance(self._opened, zipfile.ZipFile):
            for info in self._opened.infolist():
                mode = info.external_attr >> 16
                is_file = not info.is_dir() and (stat.S_IFMT(mode) in (0, stat.S_IFREG))
                yield _Entry(_plain(info.filename), info.file_size, is_file, info.is_dir(), info)
        else:
            for member in self._opened:
                yield _Entry(_plain(member.name), member.size, member.isreg(), member.isdir(), member)

    def open(self, entry: _Entry) -> IO[bytes]:
        if isinstance(self._opened, zipfile.ZipFile):
            assert isinstance(entry.content, zipfile.ZipInfo)
            return self._opened.open(entry.content)
        assert isinstance(entry.content, tarfile.TarInfo)
        content = self._opened.extractfile(entry.content)
        assert content is not None  # it is a regular file
        return content


def unpack(archive: Path, targets: Mapping[str, Path], *, max_bytes: int) -> None:
    """Write the members named by the keys of `targets` to its values.

    Raises `IntegrityError` when a member is missing, twice there, a link, or when together they exceed `max_bytes`,
    and when the archive is damaged or holds an unsafe path. `OSError` is the disk's.
    """
    budget = max_bytes
    missing = set(targets)
    with _open(archive) as opened:
        for entry in opened.entries():
            if entry.name not in targets:
                continue
            if entry.name not in missing:
                raise IntegrityError(f"{archive.name} holds '{entry.name}' twice.")
            if not entry.is_file:
                raise IntegrityError(f"'{entry.name}' in {archive.name} is a link, folder or device, not a file.")
            missing.discard(entry.name)
            target = targets[entry.name]
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(entry) as content, target.open("xb") as file:
                budget -= _copy_at_most(content, file, budget, f"'{entry.name}' in {archive.name}")
    if missing:
        raise IntegrityError(f"{archive.name} does not hold {', '.join(sorted(missing))}.")


def members_below(archive: Path, folder: str) -> list[str]:
    """Names of all files below a folder of the archive. Raises `IntegrityError` for links, or when there are none."""
    prefix = PurePosixPath(folder)
    names = []
    with _open(archive) as opened:
        for entry in opened.entries():
            if prefix not in PurePosixPath(entry.name).parents or entry.is_folder:
                continue
            if not entry.is_file:
                raise IntegrityError(f"'{entry.name}' in {archive.name} is a link or device.")
            names.append(entry.name)
    if not names:
        raise IntegrityError(f"{archive.name} has no files in the folder '{folder}'.")
    return names


@contextmanager
def _open(archive: Path) -> Iterator[_Opened]:
    try:
        with archive.open("rb") as file:
            magic = file.read(8)
        if magic == b"!<arch>\n":
            with _open_deb(archive) as tar:
                yield _Opened(archive, tar)
        elif zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                yield _Opened(archive, zipped)
        else:
            with tarfile.open(archive) as tar:
                yield _Opened(archive, tar)
    except IntegrityError:
        raise
    except _BROKEN as error:
        raise IntegrityError(f"{archive.name} is not a readable archive: {error}.") from error


@contextmanager
def _open_deb(archive: Path) -> Iterator[tarfile.TarFile]:
    """The content of a Debian package, by dpkg's own reader, for its compression varies."""
    program = shutil.which("dpkg-deb")
    if program is None:
        raise DependencyMissingError("Debian packages are unpacked by dpkg-deb, which is not here.")
    process = subprocess.Popen([program, "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE)
    try:
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            yield tar
    finally:
        process.kill()
        process.communicate()


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _refuse_unsafe_name(archive: Path, name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise IntegrityError(
            f"{archive.name} holds the unsafe path '{name}', expected paths inside one folder; nothing was unpacked.",
            remedy="Get the archive from someone whom you trust, or unpack it yourself and look at what it holds.",
        )


def _copy_at_most(source: IO[bytes], target: IO[bytes], limit: int, what: str) -> int:
    done = 0
    while block := source.read(BLOCK_BYTES):
        done += len(block)
        if done > limit:
            raise IntegrityError(f"{what} is larger than it may be: over {limit} bytes.")
        target.write(block)
    return done
