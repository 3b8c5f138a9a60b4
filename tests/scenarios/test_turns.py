"""Conversations in virtual time: what is said, by whom, and what must not happen."""

from collections.abc import Callable

import anyio
import pytest

from assistant.asr.transcriber import Transcriber
from assistant.audio.scripted import RecordingSpeaker
from assistant.clock import LoopClock
from assistant.config import AsrConfig, WakeConfig
from assistant.errors import DeviceError, StageError
from assistant.events import (
    Interruption,
    Notice,
    PlaybackFinished,
    PlaybackPaused,
    PlaybackResumed,
    PlaybackStarted,
    StageFailed,
    Transcript,
    TurnFinished,
    TurnStarted,
    WakeWordDetected,
)
from assistant.speaking import Speaking
from assistant.turn import Turns
from assistant.virtual_time import run_in_virtual_time
from assistant.wake.attention import Attention
from assistant.wake.phrase import PhraseMatcher
from tests.doubles.conversation import EventLog, FixedAnswers, HummingVoices, KnownWords, Person

TIME, LONG = "What time is it?", "Tell me everything."
ANSWERS = {
    TIME: ["It is noon."],
    LONG: ["This is the first long sentence.", "And this is the second one."],
    "goodbye": ["Goodbye."],
    "fail": ["This will fail.", "But this is said."],
}


class Conversation:
    """A person, what they say, and everything that came of it."""

    def __init__(self, person: Person, texts: list[str | Exception], *, barge_in: bool = True, **wake: object) -> None:
        self.log, self.voices = EventLog(), HummingVoices()
        self._person, self._texts, self._barge_in = person, texts, barge_in
        self._wake = WakeConfig(**wake)
        self.waits: list[float] = []
        self.before: list[Callable[[Turns], object]] = []

    def hold(self, speaker_type: type[RecordingSpeaker] = RecordingSpeaker) -> EventLog:
        async def main() -> None:
            clock = LoopClock()
            self.speaker = speaker_type(clock)
            await self.speaker.open()
            transcriber = Transcriber(KnownWords(self._texts), clock, AsrConfig())
            attention = self.attention = Attention(
                self._wake, PhraseMatcher(self._wake.phrases, self._wake.match), clock
            )
            emit = self.log.on_event
            speaking = Speaking(self.voices, self.speaker, clock, emit)
            self.turns = Turns(
                transcriber,
                attention,
                FixedAnswers(ANSWERS),
                speaking,
                clock,
                emit,
                barge_in=self._barge_in,
                end_after=lambda silence_s, utterance: self.waits.append(silence_s),
            )
            async with anyio.create_task_group() as group:
                for begin in self.before:
                    group.start_soon(begin, self.turns)
                await self.turns.run(self._person.events())
            transcriber.close()

        run_in_virtual_time(main)
        return self.log

    def said(self) -> list[str]:
        return [event.text for event in self.log.of(PlaybackFinished)]


def test_a_wake_phrase_and_a_command_in_one_breath_are_answered():
    conversation = Conversation(Person((1.0, 3.0)), [f"Hey Jarvis, {TIME}"])
    log = conversation.hold()
    assert [event.phrase for event in log.of(WakeWordDetected)] == ["hey jarvis"]
    assert [event.text for event in log.of(Transcript) if event.is_final] == [TIME]
    assert conversation.said() == ["It is noon."]
    started, finished = log.of(PlaybackStarted)[0], log.of(PlaybackFinished)[0]
    assert finished.completed
    assert finished.played_s == pytest.approx(1.1)
    assert started.at_s == pytest.approx(3.51)


def test_speech_that_is_not_addressed_to_it_leaves_no_trace():
    conversation = Conversation(Person((1.0, 3.0)), ["I would like some tea."])
    log = conversation.hold()
    assert conversation.said() == []
    assert not log.of(TurnStarted)
    assert not log.of(Transcript)


def test_after_an_answer_no_wake_phrase_is_needed_for_a_while_only():
    person = Person((1.0, 3.0), (6.0, 7.0), (30.0, 31.0))
    conversation = Conversation(person, [f"Hey Jarvis, {TIME}", TIME, TIME], follow_up_s=8.0)
    log = conversation.hold()
    assert conversation.said() == ["It is noon."] * 2
    assert [event.kind for event in log.of(Notice)] == ["attentive", "attentive", "asleep"]


def test_the_phrase_alone_is_acknowledged_and_opens_the_window():
    conversation = Conversation(Person((1.0, 2.0), (3.5, 5.0)), ["Hey Jarvis.", TIME])
    log = conversation.hold()
    assert conversation.said() == ["It is noon."]
    assert len(log.of(TurnStarted)) == 1
    assert abs(conversation.speaker.recording()[: round(2.8 * 24000)]).max() > 0.1


def test_goodbye_closes_the_window():
    conversation = Conversation(Person((1.0, 2.0), (4.0, 5.0)), ["Hey Jarvis, goodbye", TIME])
    conversation.hold()
    assert conversation.said() == ["Goodbye."]


def test_speech_stops_a_reply_and_only_what_was_played_counts_as_said():
    person = Person((1.0, 2.0), (4.0, 5.0))
    conversation = Conversation(person, [f"Hey Jarvis, {LONG}", TIME])
    log = conversation.hold()
    assert [event.at_s for event in log.of(PlaybackPaused)] == pytest.approx([4.1])
    assert [event.reason for event in log.of(Interruption)] == ["speech"]
    cut, answered = log.of(PlaybackFinished)
    assert not cut.completed
    assert cut.text == "This is the first long sentence."
    assert cut.played_s == pytest.approx(4.1 - 2.51, abs=0.05)
    assert answered.text == "It is noon."
    assert conversation.voices.open == 0


def test_without_barge_in_what_is_heard_over_a_reply_needs_the_phrase():
    echo = Conversation(Person((1.0, 2.0), (3.0, 4.5)), [f"Hey Jarvis, {LONG}", TIME], barge_in=False)
    assert not echo.hold().of(Interruption)
    assert echo.said() == [" ".join(ANSWERS[LONG])]
    called = Conversation(
        Person((1.0, 2.0), (3.0, 4.5)), [f"Hey Jarvis, {LONG}", f"Hey Jarvis, {TIME}"], barge_in=False
    )
    assert [event.reason for event in called.hold().of(Interruption)] == ["speech"]
    assert called.said()[-1] == "It is noon."


def test_an_afterthought_does_not_take_the_place_of_the_request():
    conversation = Conversation(Person((1.0, 2.0), (2.3, 2.9)), [f"Hey Jarvis, {TIME}", "please"])
    conversation.hold()
    assert conversation.said() == ["It is noon."]


def test_it_does_not_begin_to_speak_while_the_person_speaks():
    conversation = Conversation(Person((1.0, 2.0), (2.35, 4.0)), [f"Hey Jarvis, {TIME}", "and so on"])
    log = conversation.hold()
    assert log.of(PlaybackStarted)[0].at_s >= 4.5


def test_a_newer_request_replaces_an_older_one_whole():
    person = Person((1.0, 2.0), (2.6, 3.4))
    conversation = Conversation(person, [f"Hey Jarvis, {LONG}", TIME])
    log = conversation.hold()
    assert conversation.said()[-1] == "It is noon."
    assert [event.turn_id for event in log.of(TurnFinished)] == [1, 2]


def test_a_recogniser_that_fails_is_told_and_the_next_utterance_is_heard():
    person = Person((1.0, 2.0), (5.0, 6.0))
    conversation = Conversation(person, [StageError("It hung."), f"Hey Jarvis, {TIME}"])
    log = conversation.hold()
    assert [(event.stage, event.error) for event in log.of(StageFailed)] == [("recognizer", "It hung.")]
    assert conversation.said() == ["It is noon."]


def test_a_sentence_that_cannot_be_spoken_does_not_take_the_next_with_it():
    conversation = Conversation(Person((1.0, 2.0)), ["Hey Jarvis, fail"])
    log = conversation.hold()
    assert [event.stage for event in log.of(StageFailed)] == ["synthesizer"]
    assert conversation.said() == ["But this is said."]
    assert not log.of(PlaybackFinished)[0].completed


class _LostSpeaker(RecordingSpeaker):
    async def play(self, chunk):
        raise DeviceError("The speaker is gone.")


def test_a_lost_speaker_is_never_taken_for_a_played_reply():
    conversation = Conversation(Person((1.0, 2.0)), [f"Hey Jarvis, {TIME}"])
    log = conversation.hold(_LostSpeaker)
    assert [event.stage for event in log.of(StageFailed)] == ["speaker"]
    finished = log.of(PlaybackFinished)[0]
    assert (finished.played_s, finished.text, finished.completed) == (0.0, "", False)
    assert not log.of(PlaybackStarted)


def test_an_announcement_waits_until_nobody_speaks():
    conversation = Conversation(Person((1.0, 4.0)), [f"Hey Jarvis, {TIME}"])

    conversation.before.append(_ring_at(2.0))
    conversation.hold()
    assert conversation.said() == ["It is noon.", "Your timer rings."]


def test_a_noise_over_a_ring_only_holds_it_up():
    conversation = Conversation(Person((4.0, 4.3)), [""])
    conversation.before.append(_ring_at(2.0))
    log = conversation.hold()
    assert len(log.of(PlaybackResumed)) == 1
    assert [event.completed for event in log.of(PlaybackFinished)] == [True]


def test_a_request_acknowledges_a_ring():
    conversation = Conversation(Person((4.0, 5.0)), [f"Hey Jarvis, {TIME}"])
    conversation.before.append(_ring_at(2.0))
    conversation.hold()
    assert conversation.said() == ["Your timer rings.", "It is noon."]


def test_a_television_does_not_keep_a_timer_from_ringing():
    conversation = Conversation(Person((1.0, 60.0)), ["blah"], barge_in=False)
    conversation.before.append(_ring_at(10.0))
    log = conversation.hold()
    assert log.of(PlaybackStarted)[0].at_s < 20.0


def _ring_at(at_s: float) -> Callable[[Turns], object]:
    async def ring(turns: Turns) -> None:
        await anyio.sleep(at_s)
        await turns.announce("Your timer rings.", "en")

    return ring


def test_always_attentive_needs_no_phrase():
    conversation = Conversation(Person((1.0, 2.0)), [TIME], mode="always")
    conversation.hold()
    assert conversation.said() == ["It is noon."]


def test_with_a_first_stage_only_what_it_fired_on_is_recognised():
    person = Person((1.0, 3.0), (10.0, 12.0))
    conversation = Conversation(person, [f"Hey Jarvis, {TIME}"], first_stage="micro")

    async def fire(turns: Turns) -> None:
        await anyio.sleep(10.8)
        conversation.attention.fired(anyio.current_time())

    conversation.before.append(fire)
    conversation.hold()
    assert conversation.said() == ["It is noon."]


def test_the_endpointer_is_told_how_long_to_wait_for_what_is_addressed():
    conversation = Conversation(Person((1.0, 3.0), (8.0, 9.0)), [f"Hey Jarvis, {TIME}", TIME])
    conversation.hold()
    assert conversation.waits == [0.5, 0.5]
    unaddressed = Conversation(Person((1.0, 3.0)), ["I would like some tea."])
    unaddressed.hold()
    assert unaddressed.waits == []
