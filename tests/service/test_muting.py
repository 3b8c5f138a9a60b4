"""Muted, it stays so through reloads; a press of the mute button counts also while no assistant has started."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from assistant.config import Config
from assistant.events import Notice
from assistant.models.store import ModelStore
from assistant.muting import MuteMemory
from tests.doubles.house import House, until_it_is
from tests.doubles.living import HangableLoop, Words


@pytest.fixture
def house(house: House) -> House:
    house.with_doubles()
    return house


def notices(house: House) -> list[str]:
    return [event.kind for event in house.living.log.of(Notice) if event.kind in ("listening", "muted", "unmuted")]


def press_while_loading(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(config: Config, models: ModelStore) -> Words:
        asyncio.run_coroutine_threadsafe(house.lives.toggle_mute(), HangableLoop.current).result(10.0)
        return Words()

    monkeypatch.setattr(Words, "create", load)


def test_on_a_full_disk_it_stays_muted_through_a_reload(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def script() -> None:
        monkeypatch.setattr(os, "fsync", full)
        await house.controls.mute()
        house.configure("wake", follow_up_s=1.0)
        assert (await house.service.reload()).restarted
        assert house.controls.muted and not house.living.sound.recording

    house.live(script, HangableLoop)
    assert notices(house) == ["listening", "muted", "muted"]


def test_on_a_full_disk_the_next_process_finds_it_muted_too(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    # No byte can be written; a process of its own, for the limit holds for all of it.
    mute = f"""
import resource
from pathlib import Path
from assistant.muting import MuteMemory
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
MuteMemory(Path({str(tmp_path)!r})).remember(True)
"""
    subprocess.run([sys.executable, "-c", mute], check=True, timeout=60)
    assert MuteMemory(tmp_path).recall()
    MuteMemory(tmp_path).remember(False)
    assert not MuteMemory(tmp_path).recall()


def test_what_cannot_be_kept_is_told_until_it_can_whatever_else_is_kept(house: House, tmp_path: Path) -> None:
    (tmp_path / "state" / "muted" / "by whom").mkdir(parents=True)

    async def script() -> None:
        await house.controls.unmute()
        house.controls.keep("timers", (), lambda timers: None)
        assert "state" in house.service.health().unavailable
        shutil.rmtree(tmp_path / "state" / "muted")
        await house.controls.mute()
        assert "state" not in house.service.health().unavailable

    house.live(script, HangableLoop)


def test_a_mark_that_cannot_be_removed_does_not_mute_it_again_in_a_reload(house: House, tmp_path: Path) -> None:
    (tmp_path / "state" / "muted" / "by whom").mkdir(parents=True)

    async def script() -> None:
        assert house.controls.muted
        await house.controls.unmute()
        assert "state" in house.service.health().unavailable
        house.configure("wake", follow_up_s=1.0)
        await house.service.reload()
        assert not house.controls.muted
        assert "state" in house.service.health().unavailable, "a restart would mute it"
        shutil.rmtree(tmp_path / "state" / "muted")
        await anyio.sleep(5.0)
        assert "state" not in house.service.health().unavailable

    house.live(script, HangableLoop)


@pytest.mark.parametrize("presses", [1, 2])
def test_pressed_between_two_assistants_it_holds_before_anything_opens(
    house: House, monkeypatch: pytest.MonkeyPatch, presses: int
) -> None:
    recording: list[bool] = []

    def load(config: Config, models: ModelStore) -> Words:
        recording.append(house.living.sound.recording)
        return Words()

    monkeypatch.setattr(Words, "create", load)

    async def script() -> None:
        opened = house.microphone.opened
        async with anyio.create_task_group() as group:
            house.configure("wake", follow_up_s=1.0)
            group.start_soon(house.service.reload)
            while "configuration" not in house.service.health().reason:
                await anyio.lowlevel.checkpoint()
            for _ in range(presses):
                await house.lives.toggle_mute()
        assert house.controls.muted is (presses == 1)
        assert house.microphone.opened == opened
        assert recording == [True, presses == 2], "also while networks are loaded"
        await until_it_is(lambda: house.living.sound.recording is (presses == 2))

    house.live(script, HangableLoop)
    assert notices(house) == ["listening", "muted" if presses == 1 else "listening"]


@pytest.mark.parametrize("muted", [False, True])
def test_pressed_while_networks_are_loaded_it_holds_before_it_listens(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, muted: bool
) -> None:
    async def script() -> None:
        assert house.controls.muted is not muted
        await until_it_is(lambda: house.living.sound.recording is muted)

    (tmp_path / "state").mkdir()
    MuteMemory(tmp_path / "state").remember(muted)
    press_while_loading(house, monkeypatch)
    house.live(script, HangableLoop)
    assert MuteMemory(tmp_path / "state").recall() is not muted
    assert notices(house) == (["unmuted", "listening"] if muted else ["muted", "muted"])


def test_what_cannot_be_kept_during_the_start_is_said_when_there_is_a_voice(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def script() -> None:
        assert not house.controls.muted
        await until_it_is(lambda: house.living.said)
        shutil.rmtree(tmp_path / "state" / "muted")
        await until_it_is(lambda: len(house.living.said) == 2)

    (tmp_path / "state" / "muted" / "by whom").mkdir(parents=True)
    press_while_loading(house, monkeypatch)
    house.live(script, HangableLoop)
    assert "can't save" in house.living.said[0]
    assert "can save again" in house.living.said[1]
    assert "An observer failed" not in caplog.text
