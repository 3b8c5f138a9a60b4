"""The speaker is pulled, refuses and comes back while the assistant speaks."""

from __future__ import annotations

import anyio
import numpy as np
import pytest

from assistant.app import Assistant
from assistant.events import PlaybackFinished, SpeechChunk
from tests.doubles.living import TIME, Living, until
from tests.doubles.sound_devices import Card

HELP = "Hey Jarvis, what can you do?"
RECOVERS_S = 5.0


def test_a_speaker_pulled_in_mid_sentence_is_told_and_used_again_when_it_is_back(living: Living) -> None:
    living.says(HELP, TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(4.0)
        living.sound.pull(living.speaker)
        await until(10.0)
        assert "speaker" in assistant.health().unavailable
        assert assistant.health().hears, "looking for a speaker costs no hearing"
        living.sound.plug(living.speaker)
        await until(10.0 + RECOVERS_S)
        assert "speaker" not in assistant.health().unavailable
        living.room.say(16.0)
        await until(21.0)

    living.live(script)
    cut, spoken = living.log.of(PlaybackFinished)
    assert not cut.completed and 0.5 < cut.played_s < 3.0, "what was heard is what is remembered as said"
    assert spoken.completed and spoken.text.startswith("It's")
    assert living.speaker.heard_between(16.0, 21.0)
    assert living.failures("speaker") and len(living.recoveries("speaker")) == 1


def test_a_speaker_plugged_in_anew_between_two_replies_says_the_second(living: Living) -> None:
    living.says(TIME, TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(9.0)
        living.sound.pull(living.speaker)
        living.sound.plug(living.speaker)
        living.room.say(10.0)
        await until(16.0)

    living.live(script)
    assert [event.completed for event in living.log.of(PlaybackFinished)] == [True, True]
    assert living.speaker.heard_between(10.0, 16.0)
    assert not living.failures("speaker")


def test_a_device_that_stops_for_a_moment_is_opened_anew_and_the_sentence_goes_on(living: Living) -> None:
    living.says(HELP)

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(3.0)
        living.speaker.stalls = True
        await until(4.5)
        living.speaker.stalls = False
        await until(30.0)

    living.live(script)
    [finished] = living.log.of(PlaybackFinished)
    assert finished.completed
    assert not living.failures("speaker")


def test_another_speaker_plugged_in_mid_sentence_is_opened_once_and_the_sentence_goes_on(living: Living) -> None:
    living.says(HELP)
    other = Card("Headset: Audio (hw:3,0)")

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(4.0)
        living.sound.pull(living.speaker)
        living.sound.plug(other)
        await until(30.0)

    living.live(script)
    assert [event.completed for event in living.log.of(PlaybackFinished)] == [True]
    assert other.opened == 1


def test_a_look_for_another_speaker_costs_no_hearing_whoever_opened_first(living: Living) -> None:
    """All streams end with the look, and all of them begin again."""
    living.says(HELP)

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        assert assistant.controls is not None
        await assistant.controls.mute()
        await assistant.controls.unmute()  # now the microphone was opened last
        living.room.say(4.0)
        await until(7.0)
        living.sound.pull(living.speaker)
        living.sound.plug(Card("Headset: Audio (hw:3,0)"))
        await until(30.0)

    living.live(script)
    assert living.sound.scans
    assert not living.failures("microphone")
    assert [event.completed for event in living.log.of(PlaybackFinished)] == [True]


def test_another_speaker_of_another_rate_says_the_rest_at_its_own(living: Living) -> None:
    living.says(HELP)
    other = Card("Headset: Audio (hw:3,0)", takes_hz=48_000)

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(4.0)
        living.sound.pull(living.speaker)
        living.sound.plug(other)
        await until(40.0)

    living.live(script)
    [finished] = living.log.of(PlaybackFinished)
    spoken_s = sum(len(chunk.samples) / chunk.sample_rate_hz for chunk in living.log.of(SpeechChunk))
    assert finished.completed and finished.played_s == pytest.approx(spoken_s, abs=0.01)
    sound = np.concatenate([block for _, block in other.played])
    pitch_hz = np.argmax(np.abs(np.fft.rfft(sound))) * 48_000 / sound.size
    assert pitch_hz == pytest.approx(440.0, abs=10.0)


def test_a_library_that_raises_what_it_likes_is_a_lost_speaker(living: Living) -> None:
    living.says(HELP, TIME)

    def broken() -> list[dict[str, object]]:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "a device's name")

    async def script(assistant: Assistant) -> None:
        original, living.sound.query_devices = living.sound.query_devices, broken  # type: ignore[method-assign]
        living.room.say(1.0)
        await until(3.0)
        living.speaker.stalls = True
        await until(10.0)
        assert "speaker" in assistant.health().unavailable and assistant.health().hears
        living.speaker.stalls, living.sound.query_devices = False, original  # type: ignore[method-assign]
        await until(10.0 + RECOVERS_S)
        assert "speaker" not in assistant.health().unavailable
        living.room.say(16.0)
        await until(21.0)

    assert living.live(script)[-1].startswith("It's")


def test_stop_without_barge_in_is_no_fault_of_the_speaker(living: Living) -> None:
    living.configure("tts", barge_in=False)
    living.says(HELP, "Stop.", TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(4.0)
        living.room.say(4.0)
        await until(15.0)
        living.room.say(15.0)
        await until(20.0)

    living.live(script)
    assert not living.failures("speaker")
    assert [event.completed for event in living.log.of(PlaybackFinished) if event.text][-1]


def test_without_a_speaker_it_listens_and_speaks_once_there_is_one(living: Living) -> None:
    living.says(TIME, TIME)
    living.sound.pull(living.speaker)
    living.sound.begin()

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(10.5)  # not in the middle of a look for it, which then misses half of what changes
        assert "speaker" in assistant.health().unavailable
        assert assistant.health().hears
        living.speaker.name = "Loudspeaker: Audio (hw:5,0)"
        living.sound.plug(living.speaker)
        await until(10.5 + RECOVERS_S)
        assert "speaker" not in assistant.health().unavailable
        living.room.say(16.0)
        await until(21.0)

    living.live(script)
    assert len(living.heard) == 2, "both requests were heard"
    assert living.speaker.heard_between(16.0, 21.0)
    assert living.sound.scans == 1, "the microphone is not disturbed for nothing"


def test_a_sound_that_the_speaker_did_not_take_is_told_and_not_heard_later(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(3.0)
        assert assistant.controls is not None
        living.speaker.refuses = True
        await assistant.controls.listen_now()
        assert "cannot be opened" in assistant.health().unavailable["speaker"]
        living.speaker.refuses = False
        await until(3.0 + RECOVERS_S)
        assert "speaker" not in assistant.health().unavailable

    living.live(script)
    assert living.speaker.peak() == 0.0


def test_muted_a_library_that_does_not_start_again_is_started_for_the_speaker(living: Living) -> None:
    """Nobody looks for a microphone then."""

    async def script(assistant: Assistant) -> None:
        assert assistant.controls is not None
        await assistant.controls.mute()
        living.sound.does_not_start = True
        living.sound.pull(living.speaker)
        await assistant.controls.announce("Dinner is ready.", "en")
        await until(10.0)
        assert "speaker" in assistant.health().unavailable
        living.sound.plug(living.speaker)
        await until(15.0)
        living.sound.does_not_start = False
        await until(15.0 + RECOVERS_S)
        assert "speaker" not in assistant.health().unavailable
        await assistant.controls.announce("Dinner is ready.", "en")

    living.live(script)
    assert [event.completed for event in living.log.of(PlaybackFinished)] == [False, True]


def test_a_speaker_that_returns_under_another_index_is_known_by_its_name(living: Living) -> None:
    living.configure("audio", output="1")
    living.says(TIME)
    other = Card("Headset: Audio (hw:0,0)")

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        living.sound.pull(living.speaker)
        living.sound.plug(other, at=1)
        living.room.say(2.0)
        await until(14.0)
        assert "Loudspeaker" in assistant.health().unavailable["speaker"]
        living.speaker.name = "Loudspeaker: Audio (hw:3,0)"
        living.sound.plug(living.speaker)
        await until(14.0 + RECOVERS_S)
        assert "speaker" not in assistant.health().unavailable

    living.live(script)
    assert other.opened == 0


def test_a_speaker_that_refuses_to_open_is_tried_until_it_does(living: Living) -> None:
    living.speaker.refuses = True

    async def script(assistant: Assistant) -> None:
        await until(10.0)
        assert "cannot be opened" in assistant.health().unavailable["speaker"]
        living.speaker.refuses = False
        await anyio.sleep(RECOVERS_S)
        assert "speaker" not in assistant.health().unavailable

    living.live(script)
    assert len(living.failures("speaker")) == 1 and len(living.recoveries("speaker")) == 1
