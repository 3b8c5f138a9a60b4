"""A machine with the TensorRT double, in this process and in its children."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.faults import VARIABLE

ROOT = Path(__file__).parents[2]

Faults = Callable[..., None]


@pytest.fixture(autouse=True)
def children_find_the_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Call it with faults as `tests.doubles.faults` describes them; a new call replaces the old ones."""

    def have(*items: dict[str, Any]) -> None:
        monkeypatch.setenv(VARIABLE, json.dumps(items))

    return have
