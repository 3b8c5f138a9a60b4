"""`assistant see` reads the configuration that it is given."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from assistant.errors import MediaError, ModelError
from assistant.models.store import ModelStore
from assistant.registry import resolve
from assistant.vision import TEXT_READERS
from tests.doubles.command import assistant, typed


def test_it_uses_the_configuration_that_is_named(tmp_path: Path) -> None:
    store = tmp_path / "an empty store"
    file = tmp_path / "mine.toml"
    file.write_text(f'models.dir = "{store}"\nvision.tagger = "none"', encoding="utf-8")
    result = assistant("see", "photo.png", "--config", file)
    assert result.returncode == 5
    assert "assistant models pull" in result.stderr


@pytest.mark.models
def test_without_its_network_a_photo_is_described_from_the_detections_and_that_is_said(
    model_store: ModelStore, tmp_path: Path
) -> None:
    photo = model_store.file("sample-pictures", "astronaut.png")
    file = tmp_path / "mine.toml"
    file.write_text(
        f'models.dir = "{model_store.root}"\nstate.dir = "{tmp_path}"\nvision.tagger = "none"\n'
        f'vision.captioner = "neural"\nvision.captioner_bundle = "{tmp_path}/none"\n'
    )
    result = assistant("see", photo, "--json", "--config", file)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["caption"] == "I see a person facing me."
    assert "described from the detections alone" in result.stderr
    assert "is no bundle" in result.stderr


@pytest.mark.models
def test_a_folder_is_described_to_its_end_whatever_is_in_it(model_store: ModelStore, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(model_store.file("sample-pictures", "horse.png"), photos / "a.png")
    shutil.copy(model_store.file("sample-pictures", "china.jpg"), photos / "a.jpg")
    (photos / "b.jpg").write_bytes(b"no picture")
    (photos / "c.png").write_bytes(b"")
    (photos / "notes.txt").write_text("not asked for")
    result = assistant("see", photos, "--out", tmp_path / "out", "--json")
    assert result.returncode == MediaError.exit_code
    assert "b.jpg" in result.stderr and "c.png" in result.stderr and "notes" not in result.stderr
    assert "2 photos or folders could not be read" in result.stderr and 'begin with "left out"' in result.stderr
    landscape, horse = map(json.loads, result.stdout.splitlines())
    assert horse["caption"] == "I see a black horse."
    assert landscape["caption"] == "I don't see anything that I recognize."  # the detector has five specks for birds
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-2.boxed.png", "a.boxed.png"]


@pytest.mark.models
def test_photos_of_the_same_name_are_all_drawn(model_store: ModelStore, tmp_path: Path) -> None:
    photos = [tmp_path / folder / "x.png" for folder in ("one", "two", "three")]
    for photo in photos:
        photo.parent.mkdir()
        shutil.copy(model_store.file("sample-pictures", "horse.png"), photo)
    result = assistant("see", *photos, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    drawn = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert drawn == ["x-2.boxed.png", "x-3.boxed.png", "x.boxed.png"]


@pytest.mark.models
def test_a_folder_without_pictures_says_so_after_the_last_photo(model_store: ModelStore, tmp_path: Path) -> None:
    result = assistant("see", tmp_path, model_store.file("sample-pictures", "horse.png"))
    assert result.returncode == MediaError.exit_code
    assert "no pictures" in result.stderr
    assert "I see a black horse." in result.stdout


class ChokingNetworks:
    """RapidOCR whose networks choke on the first picture and find nothing in the others."""

    loaded = 0

    def __init__(self, params: object) -> None:
        type(self).loaded += 1
        self._pictures = 0

    def __call__(self, pixels: object) -> SimpleNamespace:
        self._pictures += 1
        if self._pictures == 1:
            raise RuntimeError("[ONNXRuntimeError] : 6")
        return SimpleNamespace(boxes=None)


@pytest.mark.models
def test_a_photo_on_which_the_reader_fails_costs_no_other(
    model_store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    resolve(TEXT_READERS, "rapidocr", kind="text reader")
    monkeypatch.setattr("assistant.vision.rapidocr_reader.RapidOCR", ChokingNetworks)
    for name in "abc":
        shutil.copy(model_store.file("sample-pictures", "horse.png"), tmp_path / f"{name}.png")
    code, printed = typed("see", "--read", tmp_path, env={"XDG_CONFIG_HOME": os.devnull}, capture=capfd)
    assert code == ModelError.exit_code
    assert f"could not read {tmp_path}/a.png" in printed and "ONNXRuntimeError" in printed
    assert printed.count("nothing is written") == 2
    assert ChokingNetworks.loaded == 1, "they are kept for all photos"


@pytest.mark.models
def test_what_is_written_is_read_when_it_is_asked_for(model_store: ModelStore) -> None:
    resolve(TEXT_READERS, "rapidocr", kind="text reader")
    written = Path(__file__).parents[1] / "vision" / "written" / "sign_zh.jpg"
    result = assistant("see", "--read", written, "--json")
    assert [line["text"] for line in json.loads(result.stdout)["text"]] == ["小心地滑", "请勿吸烟"]
    assert "text" not in json.loads(assistant("see", written, "--json").stdout)
    result = assistant("see", "--read", model_store.file("sample-pictures", "horse.png"))
    assert "nothing is written" in result.stdout
