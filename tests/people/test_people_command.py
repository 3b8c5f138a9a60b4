"""`assistant people`: agreement first, one good face a picture, and nothing left of who is forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from assistant.commands.people import app
from assistant.config import Config
from assistant.errors import AssistantError, MediaError
from assistant.models.store import ModelStore
from assistant.people.enrolment import FaceTaker, from_photos
from assistant.vision.pictures import read_picture, write_picture
from tests.doubles.command import assistant


class Home:
    """An owner's configuration, state and photos."""

    def __init__(self, folder: Path, models: ModelStore | None = None, camera: str = "none") -> None:
        self.folder = folder
        self.state = folder / "edge-assistant"
        self.file = folder / "assistant.toml"
        store = f'models.dir = "{models.root}"\n' if models else ""
        self.file.write_text(
            f'{store}state.dir = "{self.state}"\ncontrol.socket = "{folder}/none.sock"\nvision.camera = "{camera}"\n'
        )

    def people(self, *arguments: str | Path, answer: str = "") -> Result:
        return CliRunner().invoke(app, [*map(str, arguments), "--config", str(self.file)], input=answer)

    def fails(self, *arguments: str | Path) -> AssistantError:
        error = self.people(*arguments).exception
        assert isinstance(error, AssistantError)
        return error

    def known(self) -> list[dict[str, object]]:
        listed: list[dict[str, object]] = json.loads(self.people("list", "--json").stdout)
        return listed


@pytest.fixture
def portrait(model_store: ModelStore) -> Path:
    return model_store.file("sample-pictures", "astronaut.png")


@pytest.mark.models
def test_introduced_listed_and_forgotten(model_store: ModelStore, portrait: Path, tmp_path: Path) -> None:
    home = Home(tmp_path, model_store)
    options = ("--photo", portrait, "--photo", portrait, "--yes", "--config", home.file)
    added = assistant("people", "add", "安娜", *options)
    assert added.returncode == 0, added.stderr
    assert "安娜 is known, by 2 pictures." in added.stdout
    assert [(person["name"], person["looks"]) for person in home.known()] == [("安娜", 2)]
    assert not [path for path in home.state.rglob("*") if path.suffix in (".png", ".jpg")]
    again = home.fails("add", "Ben", "--photo", portrait, "--yes")
    assert again.exit_code == 3
    assert "This looks like 安娜, who is known already" in again.message
    assert home.people("forget", "安娜").stdout.strip() == "安娜 is forgotten."
    assert home.known() == []


@pytest.mark.models
def test_the_camera_introduces_too(model_store: ModelStore, portrait: Path, tmp_path: Path) -> None:
    home = Home(tmp_path, model_store, camera=str(portrait))
    added = home.people("add", "Anna", answer="同意\n")
    assert added.exit_code == 0, added.output
    assert "Does Anna agree?" in added.stdout
    assert "3 of 3 pictures are good." in added.stdout
    assert home.known()[0]["looks"] == 3


@pytest.mark.models
def test_a_camera_that_is_taken_names_the_way_out(model_store: ModelStore, tmp_path: Path) -> None:
    error = Home(tmp_path, model_store, camera="/dev/video-none").fails("add", "Anna", "--yes")
    assert error.exit_code == 4
    assert "assistant mute" in str(error)


@pytest.mark.models
def test_a_picture_that_will_not_do_is_refused_with_the_reason(
    model_store: ModelStore, portrait: Path, tmp_path: Path
) -> None:
    home = Home(tmp_path, model_store)
    pixels = read_picture(portrait)
    bad = {
        "no face was found": read_picture(model_store.file("sample-pictures", "chelsea.png")),
        "2 faces were found": np.hstack([pixels, pixels]),
        "the face is blurred": np.asarray(cv2.GaussianBlur(pixels, (0, 0), 2.5), np.uint8),
        "pixels wide": np.asarray(cv2.resize(pixels, (200, 200), interpolation=cv2.INTER_AREA), np.uint8),
        "the face is turned away": read_picture(model_store.file("sample-pictures", "camera.png")),
        "the face is too dark": (pixels * 0.15).astype(np.uint8),
    }
    taker = FaceTaker.create(Config(), model_store)
    for number, (reason, picture) in enumerate(bad.items()):
        photo = tmp_path / f"{number}.png"
        write_picture(photo, picture)
        with pytest.raises(MediaError, match=reason) as failure:
            from_photos(taker, [portrait, photo])
        assert str(photo) in str(failure.value)
    refused = home.fails("add", "Anna", "--photo", portrait, "--photo", tmp_path / "0.png", "--yes")
    assert refused.exit_code == 3
    assert home.known() == []


@pytest.mark.parametrize("answer", ["n\n", "", "what?\n"])
def test_without_agreement_nothing_is_looked_at_or_kept(tmp_path: Path, answer: str) -> None:
    home = Home(tmp_path)
    result = home.people("add", "Anna", "--photo", "x.png", answer=answer)
    assert result.exit_code == 1
    assert "Does Anna agree?" in result.stdout
    assert "Nothing was kept." in result.stdout
    assert not home.state.exists()


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert "is no name" in home.fails("add", "42", "--yes").message
    assert "No camera is configured" in home.fails("add", "Anna", "--yes").message
    assert "No 'Anna' is known" in home.fails("forget", "Anna").message
    for arguments in (("forget",), ("forget", "Anna", "--all")):
        result = home.people(*arguments)
        assert result.exit_code == 2
        assert "either a name or --all" in result.output
    assert "Nobody is known" in home.people("list").stdout
    assert home.people("forget", "--all").exit_code == 0


@pytest.mark.models
def test_forget_wipes_people(model_store: ModelStore, portrait: Path, tmp_path: Path) -> None:
    home = Home(tmp_path, model_store)
    assert home.people("add", "Anna", "--photo", portrait, "--yes").exit_code == 0
    assert "people who were introduced" in assistant("forget", "--yes", "--config", home.file).stdout
    assert not (home.state / "people").exists()
    assert home.known() == []
