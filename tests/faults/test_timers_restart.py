"""A restart does not stop a timer."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.app import Assistant
from tests.doubles.living import Living, until


def test_a_timer_that_was_set_before_a_restart_rings_after_it(
    living: Living, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    living.state = tmp_path
    living.says("Hey Jarvis, set a timer for one minute.")

    async def set_timer(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(10.0)

    assert living.live(set_timer) == ["Okay, one minute, starting now."]

    (tmp_path / "again").mkdir()
    again = Living(tmp_path / "again", monkeypatch)
    again.state = tmp_path

    async def wait(assistant: Assistant) -> None:
        await until(75.0)

    assert again.live(wait) == ["Your one minute timer is done."]
    assert not (tmp_path / "timers.json").exists()
