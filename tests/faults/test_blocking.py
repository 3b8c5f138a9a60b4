"""Whatever takes long, the event loop goes on, and nothing is stamped before it has happened."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from assistant.app import Assistant
from assistant.events import PlaybackStarted, StageTimed, TurnStarted
from tests.doubles.living import TIME, Living, Words, until

HELP = "Hey Jarvis, what can you do?"


def while_the_loop_turns(result: str) -> Callable[[], str]:
    """A native call that returns once the event loop has done something else: on the loop's own thread, never."""
    loop = asyncio.get_running_loop()

    def call() -> str:
        turned = threading.Event()
        loop.call_soon_threadsafe(turned.set)
        assert turned.wait(10.0), "the event loop stands still"
        return result

    return call


def test_the_event_loop_turns_while_the_recogniser_works(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        living.says(while_the_loop_turns(TIME))
        living.room.say(2.0)
        await until(8.0)

    assert living.live(script)[0].startswith("It's")
    assert not living.failures("recognizer")


def test_a_streaming_recogniser_is_told_what_is_said_while_it_is_said_and_nothing_twice(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has not been told by the pause is what the answer waits for."""
    monkeypatch.setattr(Words, "streams_partials", True)
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0, 4.0)
        await until(12.0)

    assert living.live(script)[0].startswith("It's")
    assert len(Words.given) > 10
    assert max(Words.given[1:]) < 0.5, "the first has the pre-roll, too"
    assert 4.0 < sum(Words.given) < 5.0


def test_a_streaming_recogniser_that_is_behind_is_not_asked_again_and_again(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Words, "streams_partials", True)
    living.says(TIME, TIME)
    tasks: list[int] = []

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0, 1.0)
        await until(6.0)
        Words.real_time_factor = 3.0
        living.room.say(7.0, 4.0)
        for at_s in (7.0, 10.9):
            await until(at_s)
            tasks.append(len(asyncio.all_tasks()))
        await until(30.0)

    said = living.live(script)
    assert len(said) == 2 and said[1].startswith("It's")
    assert tasks[1] <= tasks[0] + 3, tasks


def test_a_streaming_recogniser_that_is_behind_begins_no_utterance_twice(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said while the one before still waits is not handed on before it."""
    monkeypatch.setattr(Words, "streams_partials", True)
    monkeypatch.setattr(Words, "real_time_factor", 2.5)
    texts = ["what time is it?", "set a timer for one hour", "how many timers are running"]
    living.configure("wake", mode="always")
    living.says(*texts, "begun once more")

    async def script(assistant: Assistant) -> None:
        for at_s in (1.0, 3.9, 6.8):
            living.room.say(at_s, 1.5)
        await until(40.0)

    living.live(script)
    assert living.heard == texts


def test_a_reply_begins_when_the_device_takes_it_and_not_when_it_is_asked_to(living: Living) -> None:
    living.says(HELP)

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(1.5)
        living.speaker.stalls = True
        await until(4.0)
        assert not living.log.of(PlaybackStarted)
        living.speaker.stalls = False
        await until(20.0)

    living.live(script)
    [started] = living.log.of(PlaybackStarted)
    first_s = next(at_s for at_s, block in living.speaker.played if at_s > 2.0 and abs(block).max() > 0.01)
    assert started.at_s >= 4.0
    assert started.at_s == pytest.approx(first_s, abs=0.05)
    [output] = [event for event in living.log.of(StageTimed) if event.stage == "output"]
    assert output.at_s == started.at_s


def test_mouth_to_ear_counts_what_the_devices_keep_back(living: Living) -> None:
    living.microphone.late_s, living.speaker.late_s = 0.1, 0.15
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0, 1.0)
        await until(8.0)

    living.live(script)
    [turn], [started] = living.log.of(TurnStarted), living.log.of(PlaybackStarted)
    assert turn.speech_ended_at_s == pytest.approx(3.0, abs=0.04)
    first_s = next(at_s for at_s, block in living.speaker.played if abs(block).max() > 0.01)
    assert started.at_s == pytest.approx(first_s + 0.15, abs=0.03)
