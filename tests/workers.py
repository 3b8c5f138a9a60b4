"""Which tests run beside which when several processes share the suite: `pytest -n 2`, as `make test` has it.

A file's tests stay in one worker, so what a module prepares is prepared once. What plays real sound runs in real time:
all of it in one worker, one test after the other, before anything else, while the other worker yields to it. Long files
come next and short ones last, so that the workers end together.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import pytest

_TESTS = Path(__file__).parent
_LIVE = "live"
_NICE = 10
"""How much nicer than real sound is what runs beside it, with its children."""

_LONG = (
    "faults/",
    "cli/test_replay.py",
    "cli/test_bad_input.py",
    "tts/",
    "contracts/test_synthesizers.py",
    "people/",
    "scenarios/",
    "asr/",
    "inference/",
    "system/",
    "contracts/",
    "audio/",
    "export/",
)
"""Files and folders in the order in which they begin; those that are not named come behind them."""

_TOGETHER = {"service/test_metrics_live.py": "telemetry/test_metrics.py"}
"""File → whose worker it shares: neither may be given the port that the other has found free and not taken yet."""


def is_worker() -> bool:
    """Whether this process is one of several that share the suite."""
    return "PYTEST_XDIST_WORKER" in os.environ


def scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives a whole group to a worker, in the order in which the tests were collected."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    config.option.loadscopereorder = False  # that would begin with whatever has the most tests
    return ByGroup(config, log)


def put_in_order(items: list[pytest.Item]) -> None:
    """As they are to begin; those of a group follow each other."""
    items.sort(key=lambda item: (_rank(item.nodeid), _group(item.nodeid)))


def yield_to_live(item: pytest.Item) -> None:
    """Before a test: from the first that is not live on, this process and its children let real sound go first."""
    if _group(item.nodeid) != _LIVE:
        _yield_for_good()


@functools.cache
def _yield_for_good() -> None:
    os.nice(_NICE)


@functools.cache
def _group(nodeid: str) -> str:
    file = _file(nodeid)
    return _LIVE if _plays_sound(file) else _TOGETHER.get(file, file)


@functools.cache
def _plays_sound(file: str) -> bool:
    """Whether it has tests marked `pulse`. Who schedules them has their names only, and not the marks."""
    return "pytest.mark.pulse" in (_TESTS / file).read_text(encoding="utf-8")


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0].removeprefix("tests/")


def _rank(nodeid: str) -> int:
    group = _group(nodeid)
    if group == _LIVE:
        return -1
    return next((rank for rank, begin in enumerate(_LONG) if group.startswith(begin)), len(_LONG))
