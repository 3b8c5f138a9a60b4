"""Where state is kept."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from assistant.config import Config, StateConfig
from assistant.errors import ConfigError
from assistant.state import state_dir


def test_the_place_comes_from_the_configuration_then_systemd_then_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert state_dir(Config()) == tmp_path / "home" / "edge-assistant"
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/service:{tmp_path}/other")
    assert state_dir(Config()) == tmp_path / "service"
    assert state_dir(Config(state=StateConfig(dir=tmp_path / "mine"))) == tmp_path / "mine"
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_named_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be made") as raised:
        state_dir(Config(state=StateConfig(dir=tmp_path / "file" / "state")))
    assert "state.dir" in str(raised.value.remedy)
