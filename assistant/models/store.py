"""The models on this machine: one folder a model, complete and verified or not there at all.

<root>/<name>/…            the files that the manifest names
<root>/<name>/.record.json what was installed: hashes and sizes, the manifest's fingerprint
<root>/.trusted.json       hashes of unpinned sources, recorded at their first pull
<root>/.staging/           work in progress, on the same filesystem, emptied by the next pull
<root>/.lock               held while the store changes
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from assistant.errors import ModelMissingError
from assistant.models.catalog import Catalog, shipped_manifests
from assistant.models.manifest import Manifest
from assistant.models.progress import Progress

State = Literal["installed", "missing", "outdated", "damaged"]
STORE_VARIABLE = "ASSISTANT_MODELS__DIR"


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model as this machine has it."""

    manifest: Manifest
    state: State
    size: int | None
    """Bytes on disk if installed, else bytes that a pull fetches; None where that is not known."""


def default_root() -> Path:
    """The store's folder: from the environment, else in the user's data folder."""
    if configured := os.environ.get(STORE_VARIABLE):
        return Path(configured)
    return platformdirs.user_data_path("edge-assistant") / "models"


class ModelStore:
    """Verified models in a folder. Reading needs no lock and no network; pulling and removing take the lock."""

    def __init__(self, root: Path | None = None, *, manifests: Path | None = None) -> None:
        self.root = root or default_root()
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
        """A cheap look: record and sizes, no hashing."""
        raise NotImplementedError

    def states(self) -> list[ModelState]:
        """The state of every known model."""
        return [self.state(name) for name in self.names()]

    def path(self, name: str) -> Path:
        """The folder of an installed model. Raises `ModelMissingError` if it is missing, outdated or damaged."""
        if self.installed(name):
            return self.root / name
        raise ModelMissingError(f"The model '{name}' is not installed.", remedy=f"Run: assistant models pull {name}")

    def file(self, name: str, filename: str) -> Path:
        """One file of an installed model."""
        return self.path(name) / filename

    def pull(self, name: str, progress: Progress | None = None) -> Path:
        """Fetch, verify and install one model; returns its folder. Does nothing when it is installed."""
        return self.pull_all([name], progress)[0]

    def pull_all(self, names: Sequence[str], progress: Progress | None = None) -> list[Path]:
        """Pull several models; an archive that several share is fetched once."""
        raise NotImplementedError

    def verify(self, name: str) -> None:
        """Hash every file of an installed model. Raises `IntegrityError` naming each that is wrong."""
        raise NotImplementedError

    def remove(self, name: str) -> bool:
        """Delete a model; False if it was not there."""
        raise NotImplementedError
