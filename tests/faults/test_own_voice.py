"""Open speakers: the microphone hears what the assistant says."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.app import Assistant
from assistant.events import PlaybackFinished, SpeechStarted
from tests.doubles.living import TIME, Living, until
from tests.doubles.sound_devices import RATE_HZ, Card
from tests.doubles.speech_like import speech_like

HELP = "Hey Jarvis, what can you do?"
PLAYED_HZ = 24_000
LATE_S = 0.08
"""From the speaker to the microphone."""


def echo_of(speaker: Card, at_s: float, count: int) -> np.ndarray:
    """What reaches the microphone of what was played, as loud as it is."""
    times_s = at_s - LATE_S + np.arange(count) / RATE_HZ
    heard = np.zeros(count)
    for begun_s, block in speaker.played[-40:]:
        inside = (times_s >= begun_s) & (times_s < begun_s + len(block) / PLAYED_HZ)
        heard[inside] = np.interp((times_s[inside] - begun_s) * PLAYED_HZ, np.arange(len(block)), block)
    return heard


def somebody(begins_s: float, at_s: float, count: int) -> np.ndarray:
    """Another voice, for a second and a half."""
    voice = speech_like(pitch_hz=230.0, level=0.2, seconds=1.5, seed=7)
    return np.interp(at_s - begins_s + np.arange(count) / RATE_HZ, np.arange(len(voice)) / RATE_HZ, voice, 0.0, 0.0)


@pytest.fixture
def open_speaker(living: Living) -> Living:
    living.configure("audio", echo_guard=True)
    living.configure("tts", en="Articulate")
    room = living.room
    living.microphone.sound = lambda at_s, count: room(at_s, count) + echo_of(living.speaker, at_s, count)
    return living


def test_it_does_not_take_its_own_voice_for_somebody(open_speaker: Living) -> None:
    open_speaker.says(HELP, TIME)

    async def script(assistant: Assistant) -> None:
        open_speaker.room.say(1.0)
        await until(20.0)
        open_speaker.room.say(20.0)
        await until(26.0)

    open_speaker.live(script)
    assert len(open_speaker.log.of(SpeechStarted)) == 2
    assert [event.completed for event in open_speaker.log.of(PlaybackFinished)] == [True, True]


def test_turned_up_it_does_not_take_its_own_voice_for_somebody_either(open_speaker: Living) -> None:
    open_speaker.configure("audio", volume=0.1)
    open_speaker.says(HELP, HELP, HELP)

    async def script(assistant: Assistant) -> None:
        for at_s in (1.0, 20.0, 40.0):
            await until(at_s)
            if at_s == 40.0:
                assistant.controls.set_volume(1.0)
            open_speaker.room.say(at_s)
        await until(58.0)

    open_speaker.live(script)
    assert len(open_speaker.log.of(SpeechStarted)) == 3
    assert [event.completed for event in open_speaker.log.of(PlaybackFinished)] == [True] * 3


def test_a_person_who_speaks_over_its_first_reply_is_heard(open_speaker: Living) -> None:
    open_speaker.says(HELP, "Stop.")

    async def script(assistant: Assistant) -> None:
        open_speaker.room.say(1.0)
        await until(7.0)
        alone = open_speaker.microphone.sound
        assert alone is not None
        open_speaker.microphone.sound = lambda at_s, count: alone(at_s, count) + somebody(7.0, at_s, count)
        await until(12.0)

    open_speaker.live(script)
    assert len(open_speaker.log.of(SpeechStarted)) == 2
    assert not open_speaker.log.of(PlaybackFinished)[0].completed


def test_it_does_not_take_the_sound_that_it_listens_for_somebody(open_speaker: Living) -> None:
    room = open_speaker.room
    open_speaker.microphone.sound = lambda at_s, count: (
        room(at_s, count) + 3 * echo_of(open_speaker.speaker, at_s, count)
    )

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        assert assistant.controls is not None
        await assistant.controls.listen_now()
        await until(8.0)

    open_speaker.live(script)
    assert open_speaker.speaker.heard_between(3.0, 4.0)
    assert not open_speaker.log.of(SpeechStarted)
