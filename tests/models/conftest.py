"""A shelf of made-up models for the tests of the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doubles.model_shelf import Shelf, Watcher


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()
