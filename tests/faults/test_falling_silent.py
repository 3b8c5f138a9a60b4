"""Whoever speaks over a reply hears it fall silent."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.app import Assistant
from assistant.events import PlaybackFinished, SpeechStarted
from tests.doubles.living import TIME, Living, until
from tests.doubles.sound_devices import RATE_HZ
from tests.doubles.speech_like import speech_like

_BLOCK_S = 0.02
"""Of what the speaker's device takes at a time."""


@pytest.mark.parametrize("onset_s", [10.0, 10.024])
def test_a_reply_falls_silent_while_the_first_word_is_said_over_it(living: Living, onset_s: float) -> None:
    """With a headset, which lets nothing of it into the microphone, and the echo guard, which is on by default. The
    word begins somewhere in a frame."""
    living.configure("audio", echo_guard=True)
    living.configure("tts", en="Articulate")
    living.says(TIME, "Hey Jarvis, what can you do?", TIME)
    room, voice = living.room, speech_like(pitch_hz=230.0, level=0.3, seconds=1.5, seed=7)
    voice = voice[np.argmax(np.abs(voice) > 0.2) :]
    times_s = onset_s + np.arange(len(voice)) / RATE_HZ

    def over_the_reply(at_s: float, count: int) -> np.ndarray:
        return room(at_s, count) + np.interp(at_s + np.arange(count) / RATE_HZ, times_s, voice, 0.0, 0.0)

    living.microphone.sound = over_the_reply

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        living.room.say(6.0)
        await until(onset_s + 4.0)

    living.live(script)
    *_, began_s = (event.at_s for event in living.log.of(SpeechStarted))
    loud_s = np.array([at_s + _BLOCK_S for at_s, block in living.speaker.played if np.abs(block).max() > 0.01])
    silent_s = loud_s[loud_s < onset_s + 1.0].max()
    assert onset_s < silent_s <= onset_s + 0.2
    assert began_s <= silent_s <= began_s + 0.15
    _, interrupted, answer = living.log.of(PlaybackFinished)
    assert not interrupted.completed and answer.text.startswith("It's")
