"""A machine with the TensorRT double, in this process and in its children."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from assistant.inference import build_child
from assistant.inference.stack import DeviceStack
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


@pytest.fixture
def jobs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do the children's jobs in this process, for tests in which nothing dies: a child spends its time on imports."""

    def run_job(job: str, facts: Mapping[str, Any], stack: DeviceStack, *, timeout_s: float) -> dict[str, Any]:
        order = json.loads(json.dumps({"job": job, "stack": stack.name, **facts}))
        result: dict[str, Any] = json.loads(json.dumps(build_child.do(order)))
        return result

    monkeypatch.setattr("assistant.inference.engine_trial.run_job", run_job)
