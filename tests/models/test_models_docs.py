"""docs/models.md: it knows every model and every key, and what it shows works."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from assistant.commands.models import app
from assistant.models.catalog import Catalog, shipped_manifests
from assistant.models.manifest import Manifest, Source, StoreFile, StoreTree, Tensor, load_manifest
from tests.doubles.model_shelf import Shelf

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_every_model_is_listed_with_its_licence() -> None:
    catalog = Catalog(shipped_manifests())
    rows = dict(re.findall(r"^\| `([\w.-]+)` \| (.*) \|$", PAGE, re.MULTILINE))
    for name in catalog.names:
        manifest = catalog.manifest(name)
        default, task, licence, scheme, _ = rows[name].split(" | ")
        assert (default.strip() == "yes") is manifest.default, name
        assert (task, scheme) == (manifest.task, manifest.sources[0].scheme), name
        assert licence == ("" if manifest.licence_clear else "⚠ ") + manifest.licence, name


@pytest.mark.parametrize("table", [Manifest, Source, StoreFile, StoreTree, Tensor])
def test_every_key_is_listed_with_its_meaning(table: type[BaseModel]) -> None:
    for name, field in table.model_fields.items():
        key = field.alias or name
        if not field.exclude and not (table is Manifest and f"[[{key}]]" in PAGE):
            meaning = " ".join((field.description or "").split())
            assert meaning and f"| `{key}` | {'yes' if field.is_required() else ''} | {meaning} |" in PAGE, key


def test_the_manifest_shown_is_valid(shelf: Shelf) -> None:
    folder = shelf.manifests / "my-model"
    folder.mkdir()
    (folder / "labels.txt").write_text("one\n")
    (folder / "model.toml").write_text(block("toml"))
    assert load_manifest(folder / "model.toml").labels == ("one",)
    assert tomllib.loads(block("toml"))["task"] == "scene-tags"


def test_the_commands_shown_work(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_MODELS__DIR", str(shelf.root))
    monkeypatch.setattr("assistant.models.store.shipped_manifests", lambda: shelf.manifests)
    for name in ("whisper-base", "vosk-en", "sample-pictures"):
        shelf.simple(name, name.encode(), default=name == "whisper-base")
    commands = [line.removeprefix("assistant models ").split() for line in block("sh").splitlines()]
    assert len(commands) == 6
    for command in commands:
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
