"""Until when the bench times the start of an assistant."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio.from_thread
import pytest

from assistant.control.protocol import HealthState, Request, Result, StatusResult
from assistant.control.server import ControlServer
from bench.running import wait_until_it_hears

LISTENING = "import time; print('Listening.', flush=True); time.sleep(600)"
"""An assistant that says that it listens, as soon as it has opened the microphone."""


class Deaf:
    """The status of one that hears from the third time on that it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def answer(self, request: Request) -> Result:
        self.asked += 1
        hears = self.asked >= 3
        reason = "" if hears else "No sound has come yet."
        return StatusResult(
            pid=1,
            state="running",
            uptime_s=1.0,
            health=HealthState(ok=hears, hears=hears, reason=reason, muted=False, unavailable={}),
            volume=0.8,
            config_file=None,
            config_error="",
            versions={},
            latency={},
            dropped={},
        )


@contextmanager
def program(code: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_start_lasts_until_it_hears_and_not_until_it_says_that_it_listens(tmp_path: Path) -> None:
    deaf, socket = Deaf(), tmp_path / "control.sock"
    with anyio.from_thread.start_blocking_portal() as portal, program(LISTENING) as process:
        task, _ = portal.start_task(ControlServer(socket, deaf.answer).serve)
        wait_until_it_hears(process, socket)
        task.cancel()
    assert deaf.asked == 3


def test_one_that_ends_before_it_hears_is_told(tmp_path: Path) -> None:
    with program("print('No microphone.')") as process, pytest.raises(SystemExit, match="does not hear"):
        wait_until_it_hears(process, tmp_path / "control.sock")
