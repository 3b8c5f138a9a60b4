"""The whole assistant among failing devices; nothing of it may be left when a test ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doubles.living import Living

ROOT = Path(__file__).parents[2]


@pytest.fixture
def living(leaves_nothing: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Living:
    """An assistant that is yet to live."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the voices' process loads its doubles by name
    return Living(tmp_path_factory.mktemp("world"), monkeypatch)
