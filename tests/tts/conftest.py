"""Voices and their processes, which leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doubles.command import ROOT
from tests.doubles.synthesizers import LOG_VARIABLE


@pytest.fixture(autouse=True)
def clean(dictionaries: None, capfd: pytest.CaptureFixture[str], leaves_nothing: None) -> None:
    """Nothing survives a test. Capturing output opens files, so that is done before."""


@pytest.fixture
def doubles_for_the_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The voices' process can import the doubles; the result is their log file."""
    log = tmp_path / "log"
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(LOG_VARIABLE, str(log))
    return log
