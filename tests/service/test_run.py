"""`assistant run` itself, on doubles of sound cards and networks, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from assistant import heap
from assistant.commands.run import _run
from assistant.control.address import NAME
from assistant.kept import KEPT
from assistant.stages import MOUTH_TO_EAR
from tests.doubles.house import House
from tests.doubles.living import TIME, HangableLoop, until


def run(house: House, socket: Path, script: Callable[[], Awaitable[object]]) -> None:
    """Until the script is done."""

    async def main() -> None:
        house.living.sound.loop = loop = asyncio.get_running_loop()
        assert isinstance(loop, HangableLoop)
        loop.hold_while_borrowed(anyio.to_thread.current_default_thread_limiter())
        async with anyio.create_task_group() as group:
            group.start_soon(_run, house.settings(), house.settings, socket)
            await script()
            group.cancel_scope.cancel()

    with KEPT.keeping(), house.living.sound_library():
        anyio.run(main, backend_options={"loop_factory": HangableLoop})


def test_how_fast_it_was_is_on_disk_before_it_ends_and_known_to_the_next(
    house: House, tmp_path: Path, sockets: Path
) -> None:
    """A power cut tells nobody."""
    house.with_doubles()
    house.living.says(TIME, TIME)
    file = tmp_path / "state" / "latency.json"

    def turns() -> int:
        return len(json.loads(file.read_text(encoding="utf-8"))["durations_s"][MOUTH_TO_EAR])

    async def converse() -> None:
        before = turns() if file.exists() else 0
        house.living.room.say(3.0)
        await until(75.0)
        assert turns() == before + 1

    run(house, sockets / NAME, converse)
    run(house, sockets / NAME, converse)


def test_what_was_freed_goes_back_to_the_system_while_it_runs(
    house: House, sockets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trimmed_s: list[float] = []
    monkeypatch.setattr(heap, "trim_heap", lambda: trimmed_s.append(HangableLoop.current.time()))
    house.with_doubles()

    async def script() -> None:
        await until(200.0)

    run(house, sockets / NAME, script)
    assert len(trimmed_s) >= 3
