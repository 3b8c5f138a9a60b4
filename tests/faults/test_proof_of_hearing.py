"""What proves that it hears and what does not: zeros, a stuck value, a wrong rate, a detector that talks nonsense."""

from __future__ import annotations

import os
from collections.abc import Callable

import anyio
import numpy as np
import pytest

from assistant.app import Assistant
from assistant.audio import sound_server
from tests.doubles.living import TIME, Living, Loudness, hang, health_every, until
from tests.doubles.sound_devices import Card

RECOVERS_S = 5.0


async def between_two_openings(living: Living) -> None:
    """Return so long after the microphone was opened once more that what comes now was not brought back by that."""
    opened = living.microphone.opened
    while living.microphone.opened == opened:  # noqa: ASYNC110 (nothing tells of it)
        await anyio.sleep(0.1)
    await anyio.sleep(2.0)


def test_a_quiet_room_is_heard_within_a_second(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        assert not assistant.health().hears
        await until(1.0)
        assert assistant.health().hears
        assert assistant.health().ok
        seen = await health_every(assistant, 0.1, until_s=30.0)
        assert all(health.hears and health.reason == "" for _, health in seen)

    living.live(script)
    assert not living.failures("microphone")


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (lambda at_s, count: np.zeros(count), "only zeros"),
        (lambda at_s, count: np.full(count, 0.125), "the same value (0.125)"),
        (lambda at_s, count: np.full(count, np.nan), "only zeros"),
    ],
)
def test_sound_that_comes_from_no_microphone_is_named(
    living: Living, broken: Callable[[float, int], np.ndarray], told: str
) -> None:
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        living.microphone.sound = broken
        await until(2.0 + 2.5)
        assert told in assistant.health().reason
        assert told in assistant.senses.unavailable()["microphone"]
        await until(30.0)
        assert living.microphone.opened > 3, "it is opened again and again"
        assert not assistant.health().hears
        living.microphone.sound = living.room
        await until(30.0 + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(36.0)
        await until(42.0)

    said = living.live(script)
    assert said[:2] == ["I can't hear anything right now.", "I can hear you again."]
    assert said[2].startswith("It's")
    assert len(living.failures("microphone")) == 1
    assert living.failures("microphone")[0].remedy


def test_zeros_need_no_restart_but_a_stuck_value_may(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        living.microphone.sound = lambda at_s, count: np.zeros(count)
        await until(4.0)
        assert assistant.health().ok, "switched off, which no restart changes"
        living.microphone.sound = lambda at_s, count: np.full(count, -0.125)
        await until(12.0)
        assert not assistant.health().ok

    living.live(script)


def test_a_device_with_a_noise_gate_is_believed_once_it_came_back_by_itself(living: Living) -> None:
    speech = living.room

    def gated(at_s: float, count: int) -> np.ndarray:
        heard = speech(at_s, count)
        return heard if np.abs(heard).max() > 0.1 else np.zeros(count)

    living.says(TIME, TIME)
    living.microphone.sound = gated

    async def script(assistant: Assistant) -> None:
        await until(1.5)
        assert not assistant.health().hears, "nothing yet tells it from a dead one"
        living.room.say(7.0)
        await until(12.0)
        opened = living.microphone.opened
        assert all(health.hears for _, health in await health_every(assistant, 0.5, until_s=60.0))
        assert living.microphone.opened == opened
        living.room.say(61.0)
        await until(66.0)

    assert [text[:4] for text in living.live(script)].count("It's") == 2


def test_a_mute_switch_that_is_used_again_is_told_after_longer_than_the_first_time(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(5.0)
        living.microphone.sound = lambda at_s, count: np.zeros(count)
        await until(10.0)
        assert "only zeros" in assistant.health().reason, "nothing is known of it yet"
        await until(90.0)
        await between_two_openings(living)
        living.microphone.sound = living.room
        await until(100.0)
        assert assistant.health().hears

        living.microphone.sound = lambda at_s, count: np.zeros(count)
        seen = await health_every(assistant, 10.0, until_s=400.0)
        assert all(health.hears for _, health in seen), "it came back from 90 s by itself"
        await until(500.0)
        assert "only zeros" in assistant.health().reason, "it may have broken since"
        living.microphone.sound = living.room
        await until(500.0 + RECOVERS_S)
        assert assistant.health().hears

    living.live(script)
    assert len(living.failures("microphone")) == 2


def test_closed_by_the_person_it_has_not_been_silent(living: Living) -> None:
    """A microphone with a noise gate that was muted for hours has not delivered zeros for hours."""
    zeros = living.microphone.sound = lambda at_s, count: np.zeros(count)

    async def script(assistant: Assistant) -> None:
        await until(6.0)
        living.microphone.sound = living.room
        await until(8.0)
        living.microphone.sound = zeros
        await until(12.0)
        assert assistant.health().hears and assistant.controls is not None
        await assistant.controls.mute()
        await until(12.0 + 5 * 3600.0)
        await assistant.controls.unmute()
        await anyio.sleep(5.0)
        assert assistant.health().hears

    living.live(script)


SOURCES = """\
Source #1
	Name: webcam
	Driver: module-alsa-card.c
	Monitor of Sink: n/a
	Properties:
		device.class = "sound"

Source #2
	Name: games.monitor
	Driver: module-null-sink.c
	Monitor of Sink: games
	Properties:
		device.class = "monitor"

Source #3
	Name: clean
	Driver: module-echo-cancel.c
	Monitor of Sink: n/a
	Properties:
		device.master_device = "{master}"
		device.class = "filter"
"""
"""As PulseAudio lists them; what `clean` is made of is yet to be said."""


def test_an_echo_canceller_without_a_microphone_s_sound_is_told_whatever_it_was_made_of_before(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    living.microphone.name = "pulse"
    living.sound.begin()
    living.microphone.sound = lambda at_s, count: np.zeros(count)
    master = "games.monitor"

    def pactl(*arguments: str) -> str:
        if arguments == ("list", "source-outputs"):
            return f'Source Output #7\n\tSource: 3\n\t\tapplication.process.id = "{os.getpid()}"\n'
        return SOURCES.format(master=master) if arguments == ("list", "sources") else ""

    monkeypatch.setattr(sound_server, "_pactl", pactl)

    async def script(assistant: Assistant) -> None:
        nonlocal master
        await until(1.0)
        seen = await health_every(assistant, 1.0, until_s=100.0)
        assert all(health.hears for _, health in seen), "nobody plays"
        master = "webcam"
        await until(170.0)
        assert "only zeros" in assistant.health().reason, "the webcam is muted or dead"

    living.live(script)
    assert len(living.failures("microphone")) == 1


def test_what_was_learned_of_one_device_s_noise_gate_is_believed_of_that_device_alone(living: Living) -> None:
    gate = living.microphone
    gate.sound = living.room
    webcam = Card("Webcam: Audio (hw:4,0)", lambda at_s, count: np.zeros(count))

    async def replace(card: Card, other: Card) -> None:
        living.sound.pull(card)
        await anyio.sleep(1.0)
        living.sound.plug(other)
        await anyio.sleep(10.0)

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        gate.sound = lambda at_s, count: np.zeros(count)
        await between_two_openings(living)
        gate.sound = living.room
        await until(26.0)
        gate.sound = lambda at_s, count: np.zeros(count)
        await until(32.0)
        assert assistant.health().hears, "it has come back by itself"
        gate.name = "USB Mic: Audio (hw:3,0)"
        await replace(gate, gate)
        assert assistant.health().hears, "wherever it is plugged in"
        await replace(gate, webcam)
        assert "'Webcam: Audio (hw:4,0)' delivers only zeros" in assistant.health().reason

    living.live(script)


def test_digital_silence_is_allowed_where_the_configuration_says_so(living: Living) -> None:
    living.configure("audio", digital_silence="allowed")
    living.microphone.sound = lambda at_s, count: np.zeros(count)

    async def script(assistant: Assistant) -> None:
        await until(1.0)
        assert all(health.hears for _, health in await health_every(assistant, 0.5, until_s=20.0))

    living.live(script)
    assert not living.failures("microphone")


@pytest.mark.parametrize("speed", [0.5, 3.0])
def test_a_wrong_rate_is_named_and_told(living: Living, speed: float) -> None:
    living.says(TIME, TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(1.9)
        await until(3.0)  # all was said, and nobody knows that it was
        living.microphone.speed = speed
        await until(8.0)
        assert "samples a second instead of 16000" in assistant.health().reason
        await until(20.0)
        assert not assistant.health().hears
        living.microphone.speed = 1.0
        await until(20.0 + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(26.0)
        await until(31.0)
        assert assistant.controls is not None
        await assistant.controls.mute()
        await assistant.controls.unmute()
        await anyio.sleep(1.5)
        assert assistant.health().hears, "it is not suspected for ever"

    answered, *told, again = living.live(script)
    assert answered.startswith("It's") and again.startswith("It's")
    assert told == ["I can't hear anything right now.", "I can hear you again."]
    assert len(living.recoveries("microphone")) == 1


@pytest.mark.parametrize("speed", [0.5, 3.0])
def test_a_rate_that_is_wrong_from_the_start_is_never_taken_for_hearing(living: Living, speed: float) -> None:
    living.microphone.speed = speed

    async def script(assistant: Assistant) -> None:
        seen = await health_every(assistant, 0.05, until_s=10.0)
        assert not any(health.hears for _, health in seen)
        assert "samples a second instead of 16000" in assistant.health().reason
        living.microphone.speed = 1.0
        await until(10.0 + RECOVERS_S)
        assert assistant.health().hears

    living.live(script)


def test_a_rate_that_was_right_before_proves_nothing_once_it_is_opened_again(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(3.0)
        assert assistant.health().hears and assistant.controls is not None
        await assistant.controls.mute()
        living.microphone.speed = 0.5
        await assistant.controls.unmute()
        seen = await health_every(assistant, 0.05, until_s=10.0)
        assert not any(health.hears for _, health in seen)

    living.live(script)


@pytest.mark.parametrize("held_up_s", [0.4, 0.9, 1.6])
def test_catching_up_is_no_wrong_rate(living: Living, held_up_s: float) -> None:
    """At the start, while networks are loaded, and whenever the machine was busy."""
    living.microphone.held_up = True
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        for at_s in (0.0, 6.0, 8.0, 10.0, 12.0):
            await until(at_s)
            living.microphone.held_up = True
            await until(at_s + held_up_s)
            living.microphone.held_up = False
        await until(16.0)
        assert assistant.health().hears
        living.room.say(17.0)
        await until(22.0)

    assert living.live(script)[-1].startswith("It's")
    assert not living.failures("microphone")


@pytest.mark.parametrize("answer", [float("nan"), 7.0, -1.0])
def test_a_detector_that_talks_nonsense_is_no_proof(living: Living, answer: float) -> None:
    async def script(assistant: Assistant) -> None:
        await until(3.0)
        Loudness.breaks.extend([lambda: answer] * 1000)
        await until(10.0)
        assert not assistant.health().hears
        Loudness.breaks.clear()
        await until(10.0 + RECOVERS_S)
        assert assistant.health().hears

    living.live(script)


def test_a_detector_that_hangs_is_named_and_hears_when_it_comes_back(living: Living) -> None:
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        Loudness.breaks.append(hang(until_s=30.0))
        await until(6.0)
        assert "voice-activity detector has not answered" in assistant.health().reason
        assert not assistant.health().ok
        await until(12.0)
        assert assistant.health().hung == ("voice-activity detector",)
        assert not assistant.health().ok
        await until(30.0 + RECOVERS_S)
        assert assistant.health().ok
        living.room.say(36.0)
        await until(41.0)

    assert living.live(script)[-1].startswith("It's")
    assert len(living.failures("voice-activity detector")) == 2, "that it does not answer, and that it still does not"
    assert len(living.recoveries("voice-activity detector")) == 1
