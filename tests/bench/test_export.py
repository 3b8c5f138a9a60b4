"""What the measurement of exports says without measuring."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from assistant.models.store import STORE_VARIABLE
from bench.export import main


def test_a_recipe_without_its_weights_is_named_and_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["bench.export", "--recipes", "voice-activity"])
    assert main()["recipes"] == {}
    assert "voice-activity: not measured. " in capsys.readouterr().out
