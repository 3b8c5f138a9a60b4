"""`assistant see` reads the configuration that it is given."""

from __future__ import annotations

from pathlib import Path

from tests.doubles.command import assistant


def test_it_uses_the_configuration_that_is_named(tmp_path: Path) -> None:
    store = tmp_path / "an empty store"
    file = tmp_path / "mine.toml"
    file.write_text(f'models.dir = "{store}"\nvision.tagger = "none"', encoding="utf-8")
    result = assistant("see", "photo.png", "--config", file)
    assert result.returncode == 5
    assert "assistant models pull" in result.stderr
