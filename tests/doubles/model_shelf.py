"""A shelf of made-up models whose sources are files that the test made."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant.models.progress import NoProgress
from assistant.models.store import ModelStore

HEADER = """
task = "sample-data"
title = "A test model"
version = "{version}"
licence = "CC0-1.0"
licence_source = "the test"
licence_clear = true
default = {default}
"""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Shelf:
    """Manifests and archives below one folder, and stores that read them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifests = folder / "manifests"
        self.manifests.mkdir()
        self.root = folder / "store"

    def store(self) -> ModelStore:
        """A fresh store object on the same root, as another process would make it."""
        return ModelStore(self.root, manifests=self.manifests)

    def zip(self, name: str, members: Mapping[str, bytes]) -> Path:
        path = self.folder / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        return path

    def model(
        self,
        name: str,
        sources: list[dict[str, Any]],
        files: list[dict[str, Any]] = [],  # noqa: B006 - read only
        trees: list[dict[str, Any]] = [],  # noqa: B006 - read only
        *,
        version: str = "1",
        default: bool = False,
    ) -> Path:
        """Write a manifest; the values are TOML through JSON, whose scalars and lists agree."""
        text = HEADER.format(version=version, default=str(default).lower())
        for heading, tables in (("source", sources), ("file", files), ("tree", trees)):
            for table in tables:
                text += f"\n[[{heading}]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        (self.manifests / name).mkdir(exist_ok=True)
        path = self.manifests / name / "model.toml"
        path.write_text(text)
        return path

    def simple(self, name: str, content: bytes = b"weights", **kwargs: Any) -> Path:
        """A model of one pinned file in a pinned zip; returns the zip."""
        archive = self.zip(f"{name}.zip", {"inner/weights.bin": content})
        self.model(name, [pinned(archive)], [member("weights.bin", "inner/weights.bin", content)], **kwargs)
        return archive


def pinned(archive: Path, **more: Any) -> dict[str, Any]:
    content = archive.read_bytes()
    return {"uri": f"file:{archive}", "sha256": digest(content), "size": len(content), **more}


def member(name: str, path: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {"name": name, "member": path, "sha256": digest(content), "size": len(content), **more}


class Watcher(NoProgress):
    """Remembers which tasks there were."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.notes: list[str] = []

    def task(self, title: str, total_bytes: int | None) -> Any:
        self.titles.append(title)
        return super().task(title, total_bytes)

    def note(self, text: str) -> None:
        self.notes.append(text)
