"""A reload loses no timer."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import anyio
import pytest

from assistant.events import PlaybackStarted
from tests.doubles.house import House, until_it_is
from tests.doubles.living import HangableLoop, until


def test_a_timer_that_is_due_in_the_reply_that_a_reload_waits_for_rings_after_it(house: House) -> None:
    house.with_doubles()
    house.living.says("Hey Jarvis, set a timer for ten seconds.", "Hey Jarvis, what can you do?")

    async def script() -> None:
        began_s = anyio.current_time()
        house.living.room.say(began_s + 1.0)
        await until(began_s + 9.0)
        house.living.room.say(began_s + 9.5)
        await until_it_is(lambda: len(house.living.log.of(PlaybackStarted)) == 2)
        assert anyio.current_time() < began_s + 12.5, "the timer is not due yet"
        house.configure("wake", follow_up_s=1.0)
        assert (await house.service.reload()).restarted
        assert len(house.living.said) == 2, "it was not heard before"
        await until(anyio.current_time() + 6.0)

    house.live(script, HangableLoop)
    assert house.living.said[2:] == ["Your ten second timer was done while I was away."]


def test_timers_set_on_a_full_disk_outlive_a_reload_and_are_kept_once_there_is_room(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.with_doubles()
    house.living.says("Hey Jarvis, set a timer for one minute.", "Hey Jarvis, set a timer for two minutes.")
    kept = tmp_path / "state" / "timers.json"

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def script() -> None:
        began_s = anyio.current_time()
        house.living.room.say(began_s + 1.0)
        await until(began_s + 8.0)
        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", full)
            house.living.room.say(began_s + 9.0)
            await until(began_s + 16.0)
            house.configure("wake", follow_up_s=1.0)
            assert (await house.service.reload()).restarted
            assert "No space left" in house.service.health().unavailable["state"]
            assert kept.read_text().count("ends_at") == 1, "that of before"
        await until(anyio.current_time() + 5.0)
        assert "state" not in house.service.health().unavailable
        assert kept.read_text().count("ends_at") == 2, "the new assistant has tried again"
        await until(began_s + 150.0)

    house.live(script, HangableLoop)
    rung = [text for text in house.living.said if text.startswith("Your")]
    assert set(rung) == {"Your one minute timer is done.", "Your two minute timer is done."}, house.living.said
