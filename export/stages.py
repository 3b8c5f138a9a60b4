"""Stages: pieces of work that are done once for the same inputs, configuration, code and tool versions.

<cache>/<recipe>/<stage>/<key>/…             what the stage made
<cache>/<recipe>/<stage>/<key>/.stage.json   what it was made from, and the SHA-256 and size of each file
<cache>/<recipe>/.staging/                   work in progress; emptied by the next build
<cache>/<recipe>/.hashes.json                which files are known to be what they were: `export.known_hashes`
<cache>/<recipe>/.lock                       held while a build runs

A result that was altered since, or cut off, is made again.

A stage that was killed left nothing with its key, so the next build begins with it; those before it are found.
"""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from filelock import FileLock, Timeout

from assistant.errors import ModelError
from assistant.models.changes import swap_in
from assistant.models.hashing import hash_file
from assistant.models.progress import Progress
from export.known_hashes import KnownHashes
from export.source_hash import source_hash

RECORD_FILE = ".stage.json"
TOOLS = {
    "numpy": "numpy",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "opencv-python-headless": "cv2",
    "soundfile": "soundfile",
    "soxr": "soxr",
}
"""Packages whose version can change a result, and their modules; the last three read and resize what samples are made
of."""

_LOCK_TIMEOUT_S = 3600.0
_KEY_CHARACTERS = 20


@dataclass(frozen=True, slots=True)
class Stage:
    """A piece of work and all that its result depends on."""

    name: str
    title: str
    """What people read while it runs."""
    code: Sequence[str | Path]
    """The modules or files that do it."""
    inputs: Mapping[str, str]
    """What goes in → its SHA-256."""
    configuration: Mapping[str, Any] = field(default_factory=dict)
    """JSON values."""

    @property
    def key(self) -> str:
        """SHA-256 of all that."""
        content = {
            "stage": self.name,
            "inputs": dict(self.inputs),
            "configuration": dict(self.configuration),
            "code": source_hash(self.code),
            "tools": tool_versions(),
        }
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_KEY_CHARACTERS]


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage made."""

    name: str
    folder: Path
    files: Mapping[str, str]
    """File → SHA-256."""
    cached: bool
    """True when nothing had to be done."""

    def path(self, file: str) -> Path:
        """Where a file of the result is."""
        return self.folder / file

    @property
    def sha256(self) -> str:
        """Over all files."""
        return sha256(json.dumps(dict(self.files), sort_keys=True).encode()).hexdigest()


class StageCache:
    """The results of one recipe's stages. Use `locked` around a build."""

    def __init__(self, root: Path, recipe: str, progress: Progress) -> None:
        self._folder = root / recipe
        self._progress = progress
        self._used: dict[str, set[str]] = {}
        self.hashes = KnownHashes(self._folder / ".hashes.json")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this recipe's lock. Raises `ModelError` when another build holds it for an hour."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self._progress.note(f"Another build of {self._folder.name} is running; waiting for it.")
            try:
                lock.acquire(timeout=_LOCK_TIMEOUT_S)
            except Timeout as error:
                raise ModelError(
                    f"Another build of {self._folder.name} has run for {_LOCK_TIMEOUT_S:.0f} s.",
                    remedy="End it, then try again.",
                ) from error
        try:
            shutil.rmtree(self._staging, ignore_errors=True)
            yield
        finally:
            shutil.rmtree(self._staging, ignore_errors=True)
            try:
                self.hashes.save()
            finally:
                lock.release()

    def run(self, stage: Stage, work: Callable[[Path], None]) -> StageResult:
        """The stage's result: found, or made by `work`, which writes its files into the empty folder that it is given.

        Nothing is kept of a stage that raises.
        """
        key = stage.key
        self._used.setdefault(stage.name, set()).add(key)
        folder = self._folder / stage.name / key
        found = self._find(stage.name, folder)
        if found is not None:
            return found
        self._staging.mkdir(parents=True, exist_ok=True)
        target = Path(mkdtemp(dir=self._staging, prefix=f"{stage.name}-"))
        with self._progress.task(stage.title, None) as advance:
            work(target)
            files = {path.relative_to(target).as_posix(): hash_file(path) for path in _files(target)}
            advance(sum(size for _, size in files.values()))
        record = {"inputs": dict(stage.inputs), "configuration": dict(stage.configuration), "files": files}
        (target / RECORD_FILE).write_text(json.dumps(record, sort_keys=True, indent=1), encoding="utf-8")
        folder.parent.mkdir(parents=True, exist_ok=True)
        swap_in(target, folder, self._staging)  # a damaged result may be in its place
        for name, (sha, _) in files.items():
            self.hashes.learn(folder / name, sha)
        return StageResult(stage.name, folder, {name: sha for name, (sha, _) in files.items()}, cached=False)

    def drop(self, result: StageResult) -> None:
        """Delete a result that the next build is not to find."""
        shutil.rmtree(result.folder, ignore_errors=True)

    def keep_only_used(self) -> None:
        """Delete older results of the stages that this build ran."""
        for name, keys in self._used.items():
            for folder in (self._folder / name).glob("*"):  # there is none of a stage that failed
                if folder.name not in keys:
                    shutil.rmtree(folder, ignore_errors=True)

    def _find(self, name: str, folder: Path) -> StageResult | None:
        """A result that is there and what it was; None if it has to be made (again)."""
        try:
            files = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))["files"]
            for file, (sha, size) in files.items():
                if (folder / file).stat().st_size != size or self.hashes.sha256(folder / file) != sha:
                    return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return StageResult(name, folder, {file: sha for file, (sha, _) in files.items()}, cached=True)

    @property
    def _staging(self) -> Path:
        return self._folder / ".staging"


def tool_versions() -> dict[str, str]:
    """The packages that a result depends on, with their versions; without one that is not installed."""
    return {name: version for name in TOOLS if (version := _version(name)) is not None}


@cache
def _version(package: str) -> str | None:
    """Once a process: it is asked for every stage, and reads a file."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return _module_version(TOOLS[package])


def _module_version(name: str) -> str | None:
    """Of a module that came as another package: onnxruntime-gpu, OpenCV of the system, what NVIDIA built for Jetson."""
    try:
        return str(getattr(importlib.import_module(name), "__version__", "unknown"))
    except (ImportError, OSError):  # it is not there, or without the library that it loads
        return None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
