"""The sound driver hangs, and whatever needs no sound goes on."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from assistant.app import Assistant
from assistant.events import ImageArray, SceneState
from assistant.ports import Clock
from tests.doubles.living import TIME, HangableLoop, Living, hang, until
from tests.doubles.vision import FakeCamera

HELP = "Hey Jarvis, what can you do?"
RECOVERS_S = 5.0
BACK_S = 30.0


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
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        driver = Driver(living, what)
        lose_the_microphone(living, what)
        await until(BACK_S - 1.0)
        health = assistant.health()
        assert not health.hears and "USB Mic" in health.reason and "hangs" in health.reason
        assert health.ok and health.waiting, "a new process would meet the same driver"
        assert driver.entered == 1, "nobody goes where somebody is stuck"
        bring_it_back(living, what)
        await until(BACK_S + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(BACK_S + RECOVERS_S + 1.0)
        await until(BACK_S + RECOVERS_S + 7.0)

    assert living.live(script)[-1].startswith("It's")
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

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(4.0)
        driver = Driver(living, what)
        living.speaker.stalls = True
        await until(18.0)
        assert assistant.health().hears and assistant.health().ok
        assert "Loudspeaker" in assistant.health().unavailable["speaker"]
        living.room.say(19.0)
        await until(BACK_S - 1.0)
        assert len(living.heard) == 2
        assert driver.entered == 1
        living.speaker.stalls = False
        await until(BACK_S + RECOVERS_S)
        assert "speaker" not in assistant.health().unavailable
        living.room.say(BACK_S + RECOVERS_S + 1.0)
        await until(BACK_S + RECOVERS_S + 7.0)

    assert living.live(script)[-1].startswith("It's")
    assert living.speaker.heard_between(BACK_S + RECOVERS_S, BACK_S + RECOVERS_S + 7.0)
    assert any("hangs" in failure.error for failure in living.failures("speaker"))


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
