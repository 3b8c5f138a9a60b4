"""The machine that the other tests boot, as far as it needs none: waiting for its turn, and for its end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doubles.command import wait_until
from tests.system.machine import lives, locked


def test_only_one_has_its_turn_and_who_waits_too_long_is_told_for_what(tmp_path: Path) -> None:
    file = tmp_path / "machine.lock"
    with locked(file), pytest.raises(AssertionError, match=str(file)):
        locked(file, timeout_s=0.3)
    locked(file, timeout_s=0.3).close()


def test_a_process_lives_until_it_has_ended_whether_or_not_anybody_has_noticed() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert lives(process.pid)
        process.kill()
        wait_until(lambda: not lives(process.pid), "it dies")
        os.kill(process.pid, 0)  # it is still listed
    assert not lives(process.pid)
