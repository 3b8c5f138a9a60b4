"""The models on this machine: one folder a model, complete and verified or not there at all.

<root>/<name>/…              the files that the manifest names
<root>/<name>/.record.json   what was installed: hashes and sizes, the manifest's fingerprint
<root>/.trusted.json         hashes of unpinned sources, recorded at their first pull
<root>/.archives/            what a pull that is not complete has fetched so far
<root>/.staging/             work in progress, on the same filesystem, emptied by the next pull
<root>/.lock                 held while the store changes
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from assistant.errors import IntegrityError, ModelError, ModelMissingError
from assistant.models.archives import ArchiveCache
from assistant.models.assemble import assemble
from assistant.models.catalog import Catalog, shipped_manifests
from assistant.models.changes import changing, require_space, staging_folder, swap_in
from assistant.models.hashing import hash_file, mismatch
from assistant.models.manifest import Manifest
from assistant.models.progress import NoProgress, Progress
from assistant.models.record import Record, TrustedSources, read_record, write_record
from assistant.registry import install_package

State = Literal["installed", "missing", "outdated", "damaged"]
STORE_VARIABLE = "ASSISTANT_MODELS__DIR"


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model as this machine has it."""

    manifest: Manifest
    state: State
    size: int | None
    """Bytes on disk if installed, else bytes that a pull fetches; None where that is not known."""
    reason: str = ""
    """Why it is damaged."""


def default_root() -> Path:
    """The store's folder: from the environment, else in the user's data folder."""
    if configured := os.environ.get(STORE_VARIABLE):
        return Path(configured).expanduser()
    return platformdirs.user_data_path("edge-assistant") / "models"


class ModelStore:
    """Verified models in a folder. Reading needs no lock and no network; pulling and removing take the lock."""

    def __init__(self, root: Path | None = None, *, manifests: Path | None = None) -> None:
        self.root = Path(root) if root is not None else default_root()
        self.catalog = Catalog(manifests or shipped_manifests())

    def names(self) -> tuple[str, ...]:
        """Names of all known models."""
        return self.catalog.names

    def default_names(self) -> tuple[str, ...]:
        """Names of the default set."""
        return tuple(name for name in self.names() if self.manifest(name).default)

    def manifest(self, name: str) -> Manifest:
        """What is known of a model. Raises `ModelMissingError` for an unknown name."""
        return self.catalog.manifest(name)

    def installed(self, name: str) -> bool:
        """Whether `path` would answer."""
        return self.state(name).state == "installed"

    def state(self, name: str) -> ModelState:
        """A cheap look: record and sizes, no hashing. Raises `ModelMissingError` for an unknown name."""
        manifest = self.manifest(name)
        if manifest.kind == "package":
            return _package_state(manifest)
        try:
            record = read_record(self.root / name)
        except IntegrityError as error:
            return ModelState(manifest, "damaged", manifest.download_bytes, error.message)
        if record is None:
            return ModelState(manifest, "missing", manifest.download_bytes)
        if record.manifest != manifest.fingerprint:
            return ModelState(manifest, "outdated", record.size)
        for filename, expected in record.files.items():
            path = self.root / name / filename
            got = path.stat().st_size if path.is_file() else None
            if got != expected.size:
                reason = f"{filename} has {'no' if got is None else f'{got:,}'} bytes, expected {expected.size:,}"
                return ModelState(manifest, "damaged", record.size, reason)
        return ModelState(manifest, "installed", record.size)

    def states(self) -> list[ModelState]:
        """The state of every known model."""
        return [self.state(name) for name in self.names()]

    def path(self, name: str) -> Path:
        """The folder of an installed model. Raises `ModelMissingError` if it is missing, outdated or damaged."""
        found = self.state(name)
        if found.state == "installed":
            return _package_folder(found.manifest) or self.root / name
        remedy = f"Run: assistant models pull {name}"
        if found.manifest.kind == "package":
            [source] = found.manifest.sources
            remedy = install_package(source.location, source.distribution)
        problem = {
            "missing": "is not installed",
            "outdated": f"is not version {found.manifest.version}, which this release needs",
            "damaged": f"is damaged: {found.reason}",
        }[found.state]
        raise ModelMissingError(f"The model '{name}' {problem}.", remedy=remedy)

    def file(self, name: str, filename: str) -> Path:
        """One file of an installed model. Raises `ModelMissingError` like `path`, or when there is no such file."""
        path = self.path(name) / filename
        if not path.is_file():
            raise ModelMissingError(f"The model '{name}' has no file '{filename}'.")
        return path

    def pull(self, name: str, progress: Progress | None = None) -> Path:
        """Fetch, verify and install one model; returns its folder. Does nothing when it is installed."""
        return self.pull_all([name], progress)[0]

    def pull_all(self, names: Sequence[str], progress: Progress | None = None) -> list[Path]:
        """Pull several models; an archive that several share is fetched once.

        Raises `SourceError`, `IntegrityError` or `ModelError` at the first model that fails; those before it stay.
        """
        progress = progress or NoProgress()
        if self._wanted(names):
            with changing(self.root, progress):
                wanted = self._wanted(names)  # again: another process may have pulled some while this one waited
                archives = ArchiveCache(self.root)
                for number, manifest in enumerate(wanted):
                    self._install(manifest, archives, progress)
                    archives.keep_only(source for later in wanted[number + 1 :] for source in later.sources)
                archives.clear()
        return [self.path(name) for name in names]

    def verify(self, name: str, progress: Progress | None = None) -> None:
        """Hash every file of an installed model.

        Raises `ModelMissingError` if it is not there, `IntegrityError` naming each file that is not what was
        installed.
        """
        folder = self.path(name)
        record = read_record(folder)
        if record is None:
            return  # inside a Python package, whose installer verified it
        problems = []
        with (progress or NoProgress()).task(f"verify {name}", record.size) as advance:
            done_bytes = 0
            for filename, expected in record.files.items():
                sha256, size = hash_file(folder / filename)
                advance(done_bytes := done_bytes + size)
                if problem := mismatch(sha256, size, expected.sha256, expected.size):
                    problems.append(f"{filename}: {problem}")
        if problems:
            raise IntegrityError(
                f"The model '{name}' was altered: {'; '.join(problems)}.",
                remedy=f"Run: assistant models remove {name} && assistant models pull {name}",
            )

    def remove(self, name: str, *, forget: bool = False) -> bool:
        """Delete a model; False if it was not there. `forget` also drops the recorded hash of an unpinned source."""
        manifest = self.manifest(name)
        if manifest.kind == "package":
            distribution = manifest.sources[0].distribution
            raise ModelError(
                f"'{name}' is part of a package.",
                remedy=f"In the clone of this project: .venv/bin/pip uninstall {distribution}",
            )
        if not self.root.is_dir():
            return False
        with changing(self.root, NoProgress()):
            if forget:
                for source in manifest.sources:
                    TrustedSources(self.root).forget(source.uri)
            if not (self.root / name).exists():
                return False
            with staging_folder(self.root) as staging:
                (self.root / name).rename(staging / "removed")
            return True

    def _wanted(self, names: Sequence[str]) -> list[Manifest]:
        states = [self.state(name) for name in dict.fromkeys(names)]
        return [found.manifest for found in states if found.state != "installed" and found.manifest.kind == "store"]

    def _install(self, manifest: Manifest, archives: ArchiveCache, progress: Progress) -> None:
        unpacked = sum(file.size or 0 for file in manifest.files)
        with (
            require_space(
                self.root, manifest.name, archives.missing_bytes(manifest.sources) + unpacked, archives.clear
            ),
            staging_folder(self.root) as staging,
        ):
            (target := staging / "model").mkdir()
            (scratch := staging / "scratch").mkdir()
            fetched = {source.id: archives.get(manifest, source, progress) for source in manifest.sources}
            try:
                files = assemble(manifest, fetched, target, scratch, progress)
            except ModelError:
                archives.distrust(manifest)
                raise
            write_record(target, Record(version=manifest.version, manifest=manifest.fingerprint, files=files))
            archives.trust(manifest)
            swap_in(target, self.root / manifest.name, staging)


def _package_folder(manifest: Manifest) -> Path | None:
    """The folder of the Python package that a model is part of, None for a model of the store or a missing package."""
    if manifest.kind != "package":
        return None
    found = importlib.util.find_spec(manifest.sources[0].location)
    return Path(found.origin).parent if found is not None and found.origin is not None else None


def _package_state(manifest: Manifest) -> ModelState:
    folder = _package_folder(manifest)
    if folder is None:
        return ModelState(manifest, "missing", None)
    paths = [folder / file.name for file in manifest.files]
    for path in paths:
        if not path.is_file():
            return ModelState(manifest, "damaged", None, f"the package has no {path.name}")
    return ModelState(manifest, "installed", sum(path.stat().st_size for path in paths))
