"""`assistant see` reads the configuration that it is given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.models.store import ModelStore
from tests.doubles.command import assistant


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
