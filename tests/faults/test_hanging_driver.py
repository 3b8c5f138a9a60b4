"""The sound driver hangs, and whatever needs no sound goes on."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import anyio
import numpy as np
import pytest

from assistant.app import Assistant
from assistant.controls import LiveControls
from assistant.events import ImageArray, SceneState
from assistant.ports import Clock
from assistant.skills import timer_memory
from assistant.skills.timer_memory import KeptTimer
from tests.doubles.conversation import SteppedClock
from tests.doubles.living import FRAMES, TASKS, TIME, HangableLoop, Living, hang, held, until
from tests.doubles.vision import FakeCamera

HELP = "Hey Jarvis, what can you do?"
UNANSWERED = "I couldn't answer you a moment ago."
RECOVERS_S = 5.0
BACK_S = 30.0
CLIENTS, TIMERS = 16, 20
"""The most that there may be."""


def noise(now_s: float) -> ImageArray:
    """No two pictures are alike."""
    return np.random.default_rng(round(now_s * 1000)).integers(90, 170, (48, 64, 3), np.uint8)


class Driver:
    """Hangs in one kind of call until `BACK_S`."""

    def __init__(self, living: Living, what: str) -> None:
        self.entered = 0
        self._hang = hang(BACK_S)
        living.sound.hanging[what] = self

    def __call__(self) -> None:
        self.entered += 1
        self._hang()


def lose_the_microphone(living: Living, what: str) -> None:
    """In a way that has such a call made."""
    if what == "rescan":
        living.sound.pull(living.microphone)
    else:
        living.microphone.stalls = True


def bring_it_back(living: Living, what: str) -> None:
    if what == "rescan":
        living.sound.plug(living.microphone)
    living.microphone.stalls = False


@pytest.mark.parametrize("what", ["open", "rescan", "close"])
def test_a_microphone_whose_driver_hangs_is_told_and_heard_once_it_is_back(living: Living, what: str) -> None:
    living.picture = noise
    living.says(TIME, TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(1.9)
        await until(3.0)  # all was said, and nobody knows that it was
        driver = Driver(living, what)
        lose_the_microphone(living, what)
        await until(BACK_S - 1.0)
        health = assistant.health()
        assert not health.hears and "USB Mic" in health.reason and "hangs" in health.reason
        assert health.ok and health.waiting, "a new process would meet the same driver"
        assert driver.entered == 1, "nobody goes where somebody is stuck"
        assert len(living.heard) == 1 and living.speaker.peak() == 0.0, "it is the speaker's driver too"
        bring_it_back(living, what)
        await until(BACK_S + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(BACK_S + RECOVERS_S + 1.0)
        await until(BACK_S + RECOVERS_S + 7.0)

    unanswered, again = filter(None, living.live(script))
    assert unanswered == UNANSWERED and again.startswith("It's")
    assert any("USB Mic" in failure.error and "hangs" in failure.error for failure in living.failures("microphone"))
    assert len(living.recoveries("microphone")) == 1
    looked_s = [scene.at_s for scene in living.log.of(SceneState)]
    assert np.diff(looked_s).max() < 2.0, "the camera never waits for a microphone"


def test_a_driver_that_hangs_at_the_start_holds_up_neither_sight_nor_the_start(living: Living) -> None:
    living.says(TIME)

    def make_camera(clock: Clock) -> FakeCamera:
        Driver(living, "open")
        return FakeCamera(clock, noise)

    living.make_camera = make_camera

    async def script(assistant: Assistant) -> None:
        await until(10.0)
        assert living.log.of(SceneState)
        assert assistant.health().waiting and "sound driver" in assistant.health().reason
        await until(BACK_S + RECOVERS_S)
        assert assistant.health().hears and "speaker" not in assistant.health().unavailable
        living.room.say(BACK_S + RECOVERS_S + 1.0)
        await until(BACK_S + RECOVERS_S + 7.0)

    assert living.live(script, wait_for_microphone=True)[-1].startswith("It's")


@pytest.mark.parametrize("what", ["open", "close"])
def test_a_speaker_whose_driver_hangs_costs_no_hearing(living: Living, what: str) -> None:
    living.says(HELP, TIME, TIME)
    kept: list[tuple[int, int]] = []

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(4.0)
        driver = Driver(living, what)
        living.speaker.stalls = True
        await until(18.0)
        kept.append(held())
        assert assistant.health().hears and assistant.health().ok
        assert "Loudspeaker" in assistant.health().unavailable["speaker"]
        living.room.say(19.0)
        await until(BACK_S - 1.0)
        kept.append(held())
        assert len(living.heard) == 2
        assert driver.entered == 1
        living.speaker.stalls = False
        await until(BACK_S + RECOVERS_S)
        assert "speaker" not in assistant.health().unavailable
        living.room.say(BACK_S + RECOVERS_S + 1.0)
        await until(BACK_S + RECOVERS_S + 7.0)

    _, *told, again = filter(None, living.live(script))
    assert told == [UNANSWERED] and again.startswith("It's")
    assert all(frames < FRAMES and tasks <= TASKS for frames, tasks in kept), kept
    assert living.dropped == 0
    assert living.speaker.heard_between(BACK_S + RECOVERS_S, BACK_S + RECOVERS_S + 7.0)
    assert any("hangs" in failure.error for failure in living.failures("speaker"))


@pytest.mark.parametrize(("fault", "announcements"), [("pulled", 208), ("hangs", 208), ("stalls", 16)])
def test_what_is_to_be_said_without_a_speaker_is_bounded_and_who_has_it_said_is_told(
    living: Living, tmp_path: Path, fault: str, announcements: int
) -> None:
    """As many at a time as the control socket lets in, beside all timers that there may be."""
    living.state, living.clock = tmp_path, SteppedClock()
    due = datetime(2026, 3, 3, 12, 0, 10, tzinfo=timezone.utc).timestamp()
    timer_memory.remember(tmp_path, [KeptTimer(name="", duration_s=60, ends_at=due, language="en")] * TIMERS)
    living.says(TIME)
    heard: list[bool] = []
    kept: list[tuple[int, int]] = []

    async def client(controls: LiveControls) -> None:
        for _ in range(announcements // CLIENTS):
            heard.append(await controls.say("Dinner is ready.", "en"))

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        living.speaker.stalls = True
        if fault == "pulled":
            living.sound.pull(living.speaker)
        elif fault == "hangs":
            living.sound.hanging["open"] = hang(BACK_S)
        controls = assistant.controls
        assert controls is not None
        async with anyio.create_task_group() as group:
            for _ in range(CLIENTS):
                group.start_soon(client, controls)
            living.room.say(9.0)
            for at_s in (4.0, 16.0, BACK_S - 1.0):
                await until(at_s)
                kept.append(held())
            assert heard and not any(heard) and "speaker" in assistant.health().unavailable
            assert len(heard) == announcements or fault == "stalls", "that takes its time"
            assert assistant.health().hears and len(living.heard) == 1 and living.dropped == 0
            living.speaker.stalls = False
            if fault == "pulled":
                living.sound.plug(living.speaker)
            await until(BACK_S + RECOVERS_S)
            assert "speaker" not in assistant.health().unavailable
        assert await controls.say("Dinner is ready.", "en")
        await until(BACK_S + 3 * RECOVERS_S)

    assert {"Dinner is ready.", "Your one minute timer is done."} <= set(living.live(script))
    assert all(frames < FRAMES and tasks <= TASKS + TIMERS + 2 * CLIENTS for frames, tasks in kept), kept


@pytest.mark.parametrize("stops_s", [6.1, 20.0])
@pytest.mark.parametrize("what", ["open", "rescan", "close"])
def test_a_stop_waits_for_no_driver(living: Living, what: str, stops_s: float) -> None:
    """Neither while a call may still be answered, nor when it is given up."""

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        Driver(living, what)
        lose_the_microphone(living, what)
        await until(stops_s)

    living.live(script)
    assert HangableLoop.current.time() < stops_s + 3.0


def test_a_driver_that_hangs_only_in_the_end_delays_it_little(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(3.0)
        Driver(living, "close")

    living.live(script)
    assert HangableLoop.current.time() < 3.0 + 3.0


def test_muted_while_the_driver_hangs_it_stays_muted_when_it_is_back(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(3.0)
        Driver(living, "open")
        living.microphone.stalls = True
        await until(10.0)
        assert assistant.controls is not None
        await assistant.controls.mute()
        living.microphone.stalls = False
        await until(BACK_S + RECOVERS_S)
        assert not living.sound.recording, "the opening that nobody wanted any more was undone"
        await assistant.controls.unmute()
        await until(BACK_S + 2 * RECOVERS_S)
        assert assistant.health().hears

    living.live(script)


ENDS = """
import atexit, sys, threading, types
import anyio
from assistant.audio.microphone import Microphone
from assistant.config import AudioConfig
def hang(): threading.Event().wait()
library = types.ModuleType("sounddevice")
library.query_hostapis = library._exit_handler = hang
sys.modules["sounddevice"] = library
atexit.register(library._exit_handler)
async def main():
    microphone = Microphone(AudioConfig())
    try:
        with anyio.move_on_after(0.1):
            await microphone.open()
    finally:
        await microphone.close()
    print("ends", flush=True)
anyio.run(main)
"""


def test_the_process_ends_while_the_driver_hangs() -> None:
    """Also where the sound library would wait for its driver when the interpreter exits."""
    ended = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=60, check=True)
    assert (ended.stdout.split(), ended.stderr) == (["ends"], "")
