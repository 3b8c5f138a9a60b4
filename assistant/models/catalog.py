"""Which models there are: the manifests beside the repository, or inside the installed wheel."""

from __future__ import annotations

import difflib
from functools import cached_property
from pathlib import Path

import assistant
from assistant.errors import ManifestError, ModelMissingError
from assistant.models.manifest import MANIFEST_FILE, Manifest, load_manifest


def shipped_manifests() -> Path:
    """The folder of manifests that this installation came with.

    Raises `ManifestError` when there is none: the installation is incomplete.
    """
    package = Path(assistant.__file__).parent
    for folder in (package / "_manifests", package.parent / "models"):
        if any(folder.glob(f"*/{MANIFEST_FILE}")):
            return folder
    raise ManifestError(f"No model manifests in {package / '_manifests'}.", remedy="Install edge-assistant anew.")


class Catalog:
    """Every manifest below one folder, each read when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifests: dict[str, Manifest] = {}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all models, sorted."""
        return tuple(sorted(path.parent.name for path in self.folder.glob(f"*/{MANIFEST_FILE}")))

    def manifest(self, name: str) -> Manifest:
        """The manifest of a model. Raises `ModelMissingError` for an unknown name, `ManifestError` for a bad file."""
        if name not in self.names:
            near = difflib.get_close_matches(name, self.names, n=3, cutoff=0.4)
            remedy = f"Did you mean {' or '.join(near)}?" if near else "`assistant models list` shows all names."
            raise ModelMissingError(f"There is no model named '{name}'.", remedy=remedy)
        if name not in self._manifests:
            self._manifests[name] = load_manifest(self.folder / name / MANIFEST_FILE)
        return self._manifests[name]
