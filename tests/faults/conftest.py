"""The whole assistant among failing devices; nothing of it may be left when a test ends."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.leaks import nothing_left_behind, nothing_left_open
from tests.doubles.living import Living

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="package", autouse=True)
def little_to_collect() -> Iterator[None]:
    """The search for what was left open collects garbage after every test; all that is there by now is none."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def living(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Living]:
    """An assistant that is yet to live."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the voices' process loads its doubles by name
    temporary = tmp_path_factory.mktemp("temporary")
    with nothing_left_open(), nothing_left_behind(temporary):
        yield Living(tmp_path_factory.mktemp("world"), monkeypatch)
