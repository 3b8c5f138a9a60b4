"""`assistant models` as a user types it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from assistant.commands.models import app
from assistant.errors import IntegrityError, ModelMissingError
from tests.doubles.model_shelf import Shelf


@pytest.fixture(autouse=True)
def shelf_as_the_store(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's store is the test's."""
    monkeypatch.setenv("ASSISTANT_MODELS__DIR", str(shelf.root))
    monkeypatch.setattr("assistant.models.store.shipped_manifests", lambda: shelf.manifests)
    shelf.simple("first", b"one", default=True)
    shelf.simple("second", b"second")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=True)


def test_pull_gets_the_default_set_and_list_shows_it(shelf: Shelf) -> None:
    result = run("pull")
    assert result.exit_code == 0, result.output
    assert "1 models are ready" in result.output
    listed = run("list").output
    assert "first" in listed and "installed" in listed and "missing" in listed and "CC0-1.0" in listed
    found = {entry["name"]: entry for entry in json.loads(run("list", "--json").output)}
    assert (found["first"]["state"], found["second"]["state"]) == ("installed", "missing")
    assert found["first"]["size_bytes"] == 3 and found["first"]["licence_clear"] is True


def test_pull_takes_names_or_all() -> None:
    assert run("pull", "second").exit_code == 0
    assert run("path", "second").exit_code == 0
    assert isinstance(run("path", "first").exception, ModelMissingError)
    assert "2 models are ready" in run("pull", "--all").output


def test_an_unclear_licence_is_marked(shelf: Shelf) -> None:
    manifest = shelf.manifests / "second" / "model.toml"
    manifest.write_text(manifest.read_text().replace("licence_clear = true", "licence_clear = false"))
    assert "⚠ CC0-1.0" in run("list").output


def test_path_prints_the_folder_alone(shelf: Shelf) -> None:
    run("pull", "first")
    assert run("path", "first").output == f"{shelf.root / 'first'}\n"


def test_verify_names_the_altered_model_and_fails(shelf: Shelf) -> None:
    run("pull", "--all")
    assert run("verify").exit_code == 0
    (shelf.root / "first" / "weights.bin").write_bytes(b"ONE")
    result = run("verify")
    assert "second: as installed" in result.output
    assert "The model 'first' was altered" in result.output
    assert isinstance(result.exception, IntegrityError)


def test_remove_says_what_it_did(shelf: Shelf) -> None:
    run("pull", "first")
    assert run("remove", "first").output == "first: removed\n"
    assert run("remove", "first").output == "first: was not installed\n"


def test_an_unknown_name_is_an_error_with_a_remedy() -> None:
    error = run("pull", "frist").exception
    assert isinstance(error, ModelMissingError) and error.remedy == "Did you mean first?"
