"""Open speakers: the microphone hears what the assistant says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.app import Assistant
from assistant.audio.echo import EchoGuard
from assistant.dialogue import DIALOGUE_MODELS
from assistant.events import AudioArray, PlaybackFinished, PlaybackPaused, SpeechStarted
from tests.doubles.living import TIME, Living, until
from tests.doubles.open_speaker import HELP, open_the_speaker
from tests.doubles.sound_devices import RATE_HZ
from tests.doubles.speech_like import speech_like


def somebody(begins_s: float, at_s: float, count: int) -> np.ndarray:
    """Another voice, for a second and a half."""
    voice = speech_like(pitch_hz=230.0, level=0.2, seconds=1.5, seed=7)
    return np.interp(at_s - begins_s + np.arange(count) / RATE_HZ, np.arange(len(voice)) / RATE_HZ, voice, 0.0, 0.0)


@pytest.fixture
def open_speaker(living: Living) -> Living:
    open_the_speaker(living)
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


@pytest.mark.parametrize(
    ("asked", "wish", "hears_itself"),
    [
        (HELP, "set timers", True),
        ("你好贾维斯，你能做什么", "你看到了什么", True),
        (HELP, "tell the time", False),
        ("你好贾维斯，你能做什么", "告诉你我看到了什么", False),
    ],
)
def test_a_person_who_asks_in_the_words_of_the_reply_is_answered(
    open_speaker: Living, monkeypatch: pytest.MonkeyPatch, asked: str, wish: str, hears_itself: bool
) -> None:
    """By a language model, where the words are no request that anybody else would understand."""
    monkeypatch.setitem(DIALOGUE_MODELS, "openai", "tests.doubles.conversation:ThinkingModel")
    open_speaker.configure("dialogue", language_model={"url": "http://127.0.0.1:8080/v1"})
    open_speaker.configure("tts", zh="Articulate")
    open_speaker.says(asked, wish)

    async def script(assistant: Assistant) -> None:
        open_speaker.room.say(1.0)
        await until(7.0)
        alone = open_speaker.microphone.sound
        assert alone is not None
        open_speaker.microphone.sound = lambda at_s, count: alone(at_s, count) + somebody(7.0, at_s, count)
        await until(11.0)

    if not hears_itself:
        open_speaker.microphone.sound = open_speaker.room
    open_speaker.live(script)
    assert len(open_speaker.heard) == 2 and open_speaker.heard[1] == wish


def test_after_a_reply_that_was_broken_off_nothing_of_it_is_expected_any_more(open_speaker: Living) -> None:
    open_speaker.says(HELP, "Stop.", TIME)

    async def script(assistant: Assistant) -> None:
        open_speaker.room.say(1.0)
        await until(6.0)
        alone = open_speaker.microphone.sound
        assert alone is not None
        open_speaker.microphone.sound = lambda at_s, count: (
            alone(at_s, count) + somebody(7.0, at_s, count) + somebody(10.5, at_s, count)
        )
        await until(14.0)

    open_speaker.live(script)
    started = [event.at_s for event in open_speaker.log.of(SpeechStarted)]
    assert len(started) == 3 and started[2] < 11.2


@pytest.mark.parametrize("remembers", (True, False))
def test_what_it_learned_of_the_echo_it_still_knows_after_a_restart(
    open_speaker: Living,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    remembers: bool,
) -> None:
    open_speaker.state = tmp_path / "state"
    open_speaker.says(HELP)

    async def listens_to_itself(assistant: Assistant) -> None:
        open_speaker.room.say(1.0)
        await until(20.0)

    open_speaker.live(listens_to_itself)
    if not remembers:
        (open_speaker.state / "echo.npz").write_bytes(b"PK, but no archive")
    again = Living(tmp_path, monkeypatch)
    again.state = open_speaker.state
    open_the_speaker(again)
    begins_s = 2.7  # 0.35 s into the reply
    again.says(HELP, "Stop.")
    alone = again.microphone.sound
    assert alone is not None
    again.microphone.sound = lambda at_s, count: alone(at_s, count) + somebody(begins_s, at_s, count)

    async def script(assistant: Assistant) -> None:
        again.room.say(1.0)
        await until(15.0)

    again.live(script)
    paused_s = again.log.of(PlaybackPaused)[0].at_s
    assert (paused_s < 3.3) is remembers, "who speaks over the very beginning of its reply is heard, in the end"
    assert ("cannot be read" in caplog.text) is not remembers


@pytest.mark.parametrize("guarded", (True, False))
@pytest.mark.parametrize("pause_s", (0.1, 0.3, 0.6))
def test_who_answers_the_listening_sound_at_once_is_heard_at_once(
    open_speaker: Living, pause_s: float, guarded: bool
) -> None:
    open_speaker.configure("audio", echo_guard=guarded)
    open_speaker.says("what time is it")

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        await assistant.turns.listen_now()
        begins_s = 2.0 + pause_s
        alone = open_speaker.microphone.sound
        assert alone is not None
        open_speaker.microphone.sound = lambda at_s, count: alone(at_s, count) + somebody(begins_s, at_s, count)
        await until(8.0)

    open_speaker.live(script)
    # A voice like this one needs half a second to be loud enough, also where there is no echo.
    assert open_speaker.log.of(SpeechStarted)[0].at_s - pause_s == pytest.approx(2.57, abs=0.05)


@pytest.fixture
def told(open_speaker: Living, monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float, int | None]]:
    """From when until when the guard was told that something is heard, in s, and of which run. The driver's own times
    jitter from one to the next."""
    told: list[tuple[float, float, int | None]] = []
    original = EchoGuard.reference

    def reference(
        guard: EchoGuard, heard_at_s: float, samples: AudioArray, sample_rate_hz: int, *, run: int | None = None
    ) -> None:
        told.append((heard_at_s, heard_at_s + len(samples) / sample_rate_hz, run))
        open_speaker.speaker.late_s = 0.01 * len(told)
        original(guard, heard_at_s, samples, sample_rate_hz, run=run)

    monkeypatch.setattr(EchoGuard, "reference", reference)
    return told


def test_where_one_sentence_is_heard_tells_where_the_next_one_is(
    open_speaker: Living, told: list[tuple[float, float, int | None]]
) -> None:
    """What is played between two sentences is counted."""
    open_speaker.says(HELP, TIME)

    async def script(assistant: Assistant) -> None:
        open_speaker.room.say(1.0)
        await until(20.0)
        open_speaker.room.say(20.0)
        await until(26.0)

    open_speaker.live(script)
    *reply, (_, _, last_run) = told
    assert len(reply) > 1 and {run for _, _, run in reply} == {reply[0][2]}
    assert [begins_s for begins_s, _, _ in reply[1:]] == pytest.approx(
        [ends_s for _, ends_s, _ in reply[:-1]], abs=1e-9
    )
    assert last_run not in {run for _, _, run in reply}, "the device was closed in between"


@pytest.mark.parametrize("seconds", [0.15, 0.3, 0.6, 1.5])
def test_a_sentence_that_is_held_up_by_the_device_is_not_taken_for_somebody(
    open_speaker: Living, seconds: float
) -> None:
    """What is left of it is heard later than it was told."""
    open_speaker.says(HELP, HELP)

    async def script(assistant: Assistant) -> None:
        open_speaker.room.say(1.0)
        await until(20.0)
        open_speaker.room.say(20.0)
        await until(24.0)
        open_speaker.speaker.stalls = True
        await until(24.0 + seconds)
        open_speaker.speaker.stalls = False
        await until(45.0)

    open_speaker.live(script)
    assert len(open_speaker.log.of(SpeechStarted)) == 2
    assert [event.completed for event in open_speaker.log.of(PlaybackFinished)] == [True, True]


def test_a_sentence_that_stumbled_is_not_taken_for_somebody_and_is_told_of_anew(
    open_speaker: Living, told: list[tuple[float, float, int | None]]
) -> None:
    """The driver says that it had nothing to play: for how long, nobody knows."""
    open_speaker.says(HELP)

    async def script(assistant: Assistant) -> None:
        open_speaker.room.say(1.0)
        await until(5.0)
        open_speaker.speaker.underflows = True
        await until(5.02)
        open_speaker.speaker.underflows = False
        await until(20.0)

    open_speaker.live(script)
    assert len({run for _, _, run in told}) == 2 and len(told) == 3, "two sentences, and the rest of the first"
    assert len(open_speaker.log.of(SpeechStarted)) == 1


@pytest.mark.parametrize(("quiet", "loud"), [(0.3, 0.8), (0.1, 0.6), (0.6, 0.1)])
def test_turned_up_in_mid_sentence_it_does_not_take_itself_for_somebody(
    open_speaker: Living, quiet: float, loud: float
) -> None:
    open_speaker.configure("audio", volume=quiet)
    open_speaker.says(HELP, HELP)

    async def script(assistant: Assistant) -> None:
        open_speaker.room.say(1.0)
        await until(20.0)
        open_speaker.room.say(20.0)
        await until(24.0)
        assistant.controls.set_volume(loud)
        await until(40.0)

    open_speaker.live(script)
    assert len(open_speaker.log.of(SpeechStarted)) == 2
    assert [event.completed for event in open_speaker.log.of(PlaybackFinished)] == [True, True]


def test_a_second_reply_that_is_broken_off_is_known_to_have_ended_too(open_speaker: Living) -> None:
    open_speaker.says(HELP, "Stop.", HELP, "Stop.", TIME)

    async def script(assistant: Assistant) -> None:
        open_speaker.room.say(1.0)
        await until(6.0)
        alone = open_speaker.microphone.sound
        open_speaker.microphone.sound = lambda at_s, count: (
            alone(at_s, count) + sum(somebody(t, at_s, count) for t in (7.0, 10.5, 17.0, 20.5))
        )
        await until(25.0)

    open_speaker.live(script)
    assert len(open_speaker.log.of(SpeechStarted)) == 5, "each time it was somebody"
