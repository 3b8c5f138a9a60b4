"""What the sound server tells by itself, with a program in the place of `pactl`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import psutil
import pytest

from assistant.audio import server_changes
from assistant.audio.server_changes import tell_changes
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.command import ROOT, wait_until
from tests.doubles.house import until_it_is

pytestmark = pytest.mark.usefixtures("leaves_nothing")

EVENTS = """\
Event 'new' on client #7
Event 'change' on server #4294967295
Event 'change' on source #2
Event 'change' on sink #1
Event 'new' on source-output #3
Event 'change' on source-output #1
Event 'remove' on source #2
Event 'new' on sink-input #5
Event 'change' on sink-input #5
Event 'remove' on source-output #3
Event 'new' on sink #4
Event 'new' on module #9
Event 'remove' on client #7
"""
MATTER = 4
SUBSCRIBED = f"""\
echo $$ >> {{folder}}/started
[ $(wc -l < {{folder}}/started) -gt 1 ] && exec sleep 3600
echo "$LC_ALL $*" > {{folder}}/asked
cat <<'END'
{EVENTS}END
"""


@pytest.fixture
def pactl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a shell script in the place of the program; `{folder}` in it is `tmp_path`."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(server_changes, "_AGAIN_S", 0.01)

    def write(script: str) -> None:
        program = tmp_path / "pactl"
        program.write_text("#!/bin/sh\n" + script.format(folder=tmp_path), encoding="utf-8")
        program.chmod(0o755)

    return write


def started(folder: Path) -> list[int]:
    """The numbers of the processes that were started."""
    path = folder / "started"
    return [int(number) for number in path.read_text().split()] if path.exists() else []


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_devices_that_come_go_or_are_chosen_are_told_and_a_program_that_ends_is_started_again(
    pactl: Callable[[str], None], tmp_path: Path
) -> None:
    pactl(SUBSCRIBED)
    told: list[None] = []

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(tell_changes, lambda: told.append(None))
            await until_it_is(lambda: len(started(tmp_path)) > 1)
            group.cancel_scope.cancel()

    anyio.run(main)
    assert len(told) == MATTER + 1, "there may have been another while nobody listened"
    assert (tmp_path / "asked").read_text() == "C subscribe\n"
    assert not any(map(is_running, started(tmp_path)))


def test_where_it_cannot_be_started_it_is_tried_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    told_at_s: list[float] = []

    async def main() -> None:
        with anyio.move_on_after(200.0):
            await tell_changes(lambda: told_at_s.append(anyio.current_time()))

    run_in_virtual_time(main)
    assert told_at_s == [1.0, 3.0, 7.0, 15.0, 31.0, 63.0, 123.0, 183.0]


_ASSISTANT = """
import anyio
from assistant.audio.server_changes import tell_changes
anyio.run(tell_changes, lambda: None)
"""


def test_the_program_ends_with_an_assistant_that_is_killed(pactl: Callable[[str], None], tmp_path: Path) -> None:
    pactl("echo $$ > {folder}/started; exec sleep 3600")
    with subprocess.Popen([sys.executable, "-c", _ASSISTANT], env=os.environ | {"PYTHONPATH": str(ROOT)}) as assistant:
        try:
            wait_until(lambda: started(tmp_path), "The program is started")
        finally:
            assistant.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, started(tmp_path))), "It has ended", 30)
