"""A reply that no speaker plays: it is not taken for heard, and who asked is answered once there is a speaker again."""

from __future__ import annotations

import anyio
import pytest

from assistant.app import Assistant
from assistant.events import (
    Event,
    Interruption,
    PlaybackFinished,
    PlaybackStarted,
    ReplyChunk,
    StageFailed,
    StageRecovered,
)
from tests.doubles.living import TIME, Living, until
from tests.doubles.sound_devices import Card

HELP = "Hey Jarvis, what can you do?"
RECOVERS_S = 5.0
UNANSWERED = "I couldn't answer you a moment ago."
DEAF = "I can't hear anything right now."


class TakesOnlySilence:
    """An observer that has a card take the silence by which a lost speaker is tried, and no speech after it, until it
    is mended."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self._mended = False

    def on_event(self, event: Event) -> None:
        if isinstance(event, StageFailed | StageRecovered) and event.stage == "speaker":
            self.card.stalls = isinstance(event, StageRecovered) and not self._mended

    def mend(self) -> None:
        self._mended, self.card.stalls = True, False


def test_a_speaker_that_is_dead_is_never_taken_for_one_that_has_finished(living: Living) -> None:
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        await until(2.5)
        living.speaker.stalls = True
        living.room.say(3.0)
        await until(20.0)
        assert "speaker" in assistant.health().unavailable

    living.live(script)
    assert [event.completed for event in living.log.of(PlaybackFinished)] == [False]
    assert living.log.of(PlaybackFinished)[0].played_s == 0.0
    assert not living.log.of(PlaybackStarted)
    assert "takes no sound" in living.failures("speaker")[0].error


@pytest.mark.parametrize("asks_again_s", [8.5, 9.0, 9.6, 10.3, 11.0])
def test_a_dead_speaker_that_is_tried_again_meanwhile_has_finished_nothing(living: Living, asks_again_s: float) -> None:
    """Whichever comes first, the reply or the sound that looks whether it works again, neither speaks for the other."""
    living.says(TIME, TIME, HELP)

    async def script(assistant: Assistant) -> None:
        await until(2.5)
        living.speaker.stalls = True
        living.room.say(3.0)
        await until(asks_again_s)
        living.room.say(asks_again_s)
        await until(asks_again_s + 16.0)
        assert "speaker" in assistant.health().unavailable
        living.speaker.stalls = False
        await until(asks_again_s + 16.0 + RECOVERS_S)
        assert "speaker" not in assistant.health().unavailable

    living.live(script)
    *lost, _ = living.log.of(PlaybackFinished)
    assert [(event.completed, event.played_s) for event in lost] == [(False, 0.0)] * 2
    assert living.said[-1] == UNANSWERED and len(living.log.of(PlaybackStarted)) == 1
    assert len(living.recoveries("speaker")) == 1


def test_speaking_over_a_reply_that_a_dead_speaker_does_not_play_does_not_mend_it(living: Living) -> None:
    living.says(TIME, HELP, "Mhm.", TIME, "Mhm.")

    async def script(assistant: Assistant) -> None:
        await until(2.5)
        living.speaker.stalls = True
        living.room.say(3.0)
        await until(8.8)
        assert living.failures("speaker"), "from now on it is tried whether it works again"
        for at_s in (8.8, 11.5, 16.8, 19.0):
            living.room.say(at_s)
        await until(30.0)
        assert "speaker" in assistant.health().unavailable

    living.live(script)
    assert not any(event.completed for event in living.log.of(PlaybackFinished))
    assert not living.recoveries("speaker")


def test_a_speaker_that_dies_over_the_last_words_has_not_finished_them(living: Living) -> None:
    """All of the reply is queued by then, and nothing more is handed to the device that could fail."""
    living.configure("tts", en="Articulate")
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(3.2)
        assert living.log.of(PlaybackStarted) and not living.log.of(PlaybackFinished)
        living.speaker.stalls = True
        await until(15.0)
        assert "speaker" in assistant.health().unavailable

    living.live(script)
    [finished] = living.log.of(PlaybackFinished)
    assert not finished.completed and 0.0 < finished.played_s < 1.0


@pytest.mark.parametrize(
    ("asked", "back_at_s", "said"),
    [
        (TIME, 8.0, ["It's"]),
        (TIME, 25.0, ["", UNANSWERED]),
        ("你好贾维斯，现在几点？", 25.0, ["", "我刚才没能回答你。"]),
        (TIME, 140.0, [""]),
    ],
)
def test_what_was_asked_while_the_speaker_was_away_is_answered_or_missed_if_it_is_back_soon(
    living: Living, asked: str, back_at_s: float, said: list[str]
) -> None:
    living.says(asked)

    async def script(assistant: Assistant) -> None:
        await until(1.0)
        living.sound.pull(living.speaker)
        living.room.say(2.0)
        await until(back_at_s)
        assert "speaker" in assistant.health().unavailable
        living.sound.plug(living.speaker)
        await until(back_at_s + RECOVERS_S + 3.0)
        assert "speaker" not in assistant.health().unavailable

    living.live(script)
    finished = living.log.of(PlaybackFinished)
    assert all(event.text.startswith(text) for event, text in zip(finished, said, strict=True)), living.said
    assert [event.completed for event in finished] == [text != "" for text in said]
    assert living.speaker.heard_between(back_at_s, back_at_s + RECOVERS_S + 3.0) == (said != [""])
    assert len(living.failures("speaker")) == len(living.recoveries("speaker")) == 1


def test_who_was_not_answered_and_asks_again_is_answered_and_told_nothing(living: Living) -> None:
    living.says(TIME, TIME)

    async def script(assistant: Assistant) -> None:
        await until(1.0)
        living.sound.pull(living.speaker)
        living.room.say(2.0)
        await until(20.0)
        assert living.said == [""]
        living.room.say(20.0)
        await until(23.0)
        living.sound.plug(living.speaker)
        await until(35.0)

    assert [text[:4] for text in living.live(script)] == ["", "It's"]


@pytest.mark.parametrize("called", ["by the button", "by its name"])
def test_who_calls_it_instead_of_waiting_for_an_answer_is_not_told_of_it(living: Living, called: str) -> None:
    living.says(TIME, "Hey Jarvis.")

    async def script(assistant: Assistant) -> None:
        assert assistant.controls is not None
        await until(1.0)
        living.sound.pull(living.speaker)
        living.room.say(2.0)
        await until(7.0)
        if called == "by the button":
            await assistant.controls.listen_now()
        else:
            living.room.say(7.0)
        await until(9.5)
        assert [event.turn_id for event in living.log.of(Interruption)] == [1]
        living.sound.plug(living.speaker)
        await until(20.0)
        assert "speaker" not in assistant.health().unavailable

    assert living.live(script) == [""]


def test_stop_is_no_answer_that_a_dead_speaker_kept_from_anybody(living: Living) -> None:
    living.says(TIME, "Stop.")

    async def script(assistant: Assistant) -> None:
        await until(2.5)
        living.speaker.stalls = True
        living.room.say(3.0)
        living.room.say(9.0, 0.5)
        await until(14.0)
        living.speaker.stalls = False
        await until(14.0 + RECOVERS_S + 5.0)
        assert "speaker" not in assistant.health().unavailable

    living.live(script)
    assert [(event.text, event.completed) for event in living.log.of(PlaybackFinished)] == [("", False), ("", True)]
    assert len(living.failures("speaker")) == 1


def test_a_speaker_that_takes_silence_but_no_speech_ends_the_reply_all_the_same(living: Living) -> None:
    """It seems to be back again and again, and what is to be said next would wait for ever."""
    living.says(TIME)
    living.observers.append(TakesOnlySilence(living.speaker))

    async def script(assistant: Assistant) -> None:
        await until(2.5)
        living.speaker.stalls = True
        living.room.say(3.0)
        await until(30.0)
        assert len(living.recoveries("speaker")) > 1

    living.live(script)
    [answer] = [event for event in living.log.of(PlaybackFinished) if event.turn_id == 1]
    assert (answer.completed, answer.played_s) == (False, 0.0) and answer.at_s < 25.0


def test_a_speaker_that_takes_silence_but_no_speech_is_not_tried_all_the_time_for_what_is_lost(living: Living) -> None:
    """And once it speaks, what is lost is told."""
    faulty = TakesOnlySilence(living.speaker)
    living.observers.append(faulty)

    async def script(assistant: Assistant) -> None:
        await until(2.5)
        living.speaker.stalls = True
        living.sound.pull(living.microphone)
        await until(200.0)
        assert 1 < len([event for event in living.log.of(ReplyChunk) if event.text == DEAF]) <= 6
        assert DEAF not in living.said
        faulty.mend()
        await until(520.0)

    assert [text for text in living.live(script) if text == DEAF] == [DEAF]


def test_of_two_requests_while_the_speaker_was_away_the_newer_is_answered(living: Living) -> None:
    living.says(HELP, TIME)

    async def script(assistant: Assistant) -> None:
        await until(1.0)
        living.sound.pull(living.speaker)
        living.room.say(2.0)
        living.room.say(6.0)
        await until(10.0)
        living.sound.plug(living.speaker)
        await until(18.0)

    living.live(script)
    assert [(event.text[:4], event.completed) for event in living.log.of(PlaybackFinished)] == [
        ("", False),
        ("It's", True),
    ]


def test_who_speaks_while_a_reply_waits_for_its_speaker_is_not_talked_over(living: Living) -> None:
    living.says(TIME, "mhm")

    async def script(assistant: Assistant) -> None:
        await until(1.0)
        living.sound.pull(living.speaker)
        living.room.say(2.0)
        living.room.say(6.0, 2.5)
        await until(6.2)
        living.sound.plug(living.speaker)
        await until(16.0)

    living.live(script)
    [begun] = living.log.of(PlaybackStarted)
    [finished] = living.log.of(PlaybackFinished)
    assert begun.at_s > 8.5 and finished.completed and finished.text.startswith("It's")


def test_who_has_something_said_is_told_at_once_that_there_is_no_speaker(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        assert assistant.controls is not None
        await until(1.0)
        living.sound.pull(living.speaker)
        assert not await assistant.controls.say("Dinner is ready.", "en")
        assert anyio.current_time() < 6.0, "they try again themselves, or tell somebody otherwise"

    living.live(script)
