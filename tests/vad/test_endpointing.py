"""The state machine around every detector, driven with made-up probabilities."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest

from assistant.config import VadConfig
from assistant.events import AudioFrame, SpeechEnded, SpeechPaused, SpeechResumed, SpeechStarted
from assistant.vad.endpointing import Endpointer, SpeechEvent

RATE = 16000
FRAME = 512
FRAME_S = FRAME / RATE
CONFIG = VadConfig(pre_roll_s=0.3, min_speech_s=0.16, pause_s=0.2, end_silence_s=0.55, max_utterance_s=5.0)


class Microphone:
    """Frames whose samples are numbered, so that a test sees exactly which of them an utterance holds."""

    def __init__(self, endpointer: Endpointer) -> None:
        self.endpointer = endpointer
        self.position = 0

    @property
    def now_s(self) -> float:
        return self.position / RATE

    def hear(self, probability: float, seconds: float) -> list[SpeechEvent]:
        return self.hear_frames([probability] * round(seconds / FRAME_S))

    def hear_frames(self, probabilities: Iterable[float]) -> list[SpeechEvent]:
        events: list[SpeechEvent] = []
        for probability in probabilities:
            samples = np.arange(self.position, self.position + FRAME, dtype=np.float32)
            self.position += FRAME
            events += self.endpointer.accept(AudioFrame(self.now_s, samples, RATE), probability)
        return events


@pytest.fixture
def microphone() -> Microphone:
    return Microphone(Endpointer(CONFIG))


def kinds(events: list[SpeechEvent]) -> list[type]:
    return [type(event) for event in events]


def test_an_utterance_from_start_to_end(microphone: Microphone) -> None:
    microphone.hear(0.0, 1.024)
    speech_from_s = microphone.now_s
    events = microphone.hear(0.9, 1.024)
    speech_until_s = microphone.now_s
    events += microphone.hear(0.0, 1.024)

    assert kinds(events) == [SpeechStarted, SpeechPaused, SpeechEnded]
    started, paused, ended = events
    assert isinstance(paused, SpeechPaused) and isinstance(ended, SpeechEnded)
    assert started.at_s == pytest.approx(speech_from_s + CONFIG.min_speech_s)
    assert paused.at_s == pytest.approx(speech_until_s + CONFIG.pause_s, abs=FRAME_S)
    assert ended.at_s == ended.utterance.at_s == pytest.approx(speech_until_s + CONFIG.end_silence_s, abs=FRAME_S)
    assert ended.utterance.started_at_s == speech_from_s
    assert ended.utterance.ended_at_s == speech_until_s
    assert ended.utterance.sample_rate_hz == RATE


def test_where_nothing_else_can_be_heard_speech_is_known_sooner() -> None:
    def voiced_frames(*sooner_frames: int) -> int:
        endpointer = Endpointer(CONFIG)
        for number, frames in enumerate((*sooner_frames, *[0] * 9), start=1):
            frame = AudioFrame(number * FRAME_S, np.zeros(FRAME, np.float32), RATE)
            if endpointer.accept(frame, 0.9, sooner_s=frames * FRAME_S):
                return number
        raise AssertionError("Speech is never known.")

    assert voiced_frames(0) == 5
    assert voiced_frames(0, 0, 2) == 3
    assert voiced_frames(0, 0, 0, 1) == 4
    assert voiced_frames(2, 2) == 5, "what counts is what is known by then"


def test_what_was_recognised_in_the_pause_is_what_ended(microphone: Microphone) -> None:
    events = microphone.hear(0.9, 0.8) + microphone.hear(0.0, 0.8)
    paused, ended = events[1:]
    assert isinstance(paused, SpeechPaused) and isinstance(ended, SpeechEnded)
    assert ended.utterance.samples is paused.utterance.samples
    assert ended.utterance.ended_at_s == paused.utterance.ended_at_s


def test_the_pre_roll_is_exact_and_the_samples_unbroken(microphone: Microphone) -> None:
    microphone.hear(0.0, 0.96)
    first_voiced = microphone.position
    events = microphone.hear(0.9, 0.64) + microphone.hear(0.0, 0.64)
    samples = events[-1].utterance.samples  # type: ignore[union-attr]
    assert samples[0] == first_voiced - round(CONFIG.pre_roll_s * RATE)
    assert np.array_equal(np.diff(samples), np.ones(samples.size - 1))


def test_speech_at_the_very_beginning_has_the_pre_roll_that_there_is(microphone: Microphone) -> None:
    microphone.hear(0.0, FRAME_S)
    events = microphone.hear(0.9, 0.64) + microphone.hear(0.0, 0.64)
    assert events[-1].utterance.samples[0] == 0  # type: ignore[union-attr]


def test_a_short_noise_is_no_utterance_and_stays_in_the_pre_roll(microphone: Microphone) -> None:
    microphone.hear(0.0, 0.64)
    assert microphone.hear(0.9, 0.128) == []
    assert microphone.hear(0.0, 0.256) == []
    assert not microphone.endpointer.speaking
    first_voiced = microphone.position
    events = microphone.hear(0.9, 0.64) + microphone.hear(0.0, 0.64)
    samples = events[-1].utterance.samples  # type: ignore[union-attr]
    assert samples[0] == first_voiced - round(CONFIG.pre_roll_s * RATE)
    assert np.array_equal(np.diff(samples), np.ones(samples.size - 1))


def test_a_middling_probability_keeps_speech_going_but_does_not_start_it(microphone: Microphone) -> None:
    assert microphone.hear(0.4, 1.0) == []
    assert kinds(microphone.hear(0.9, 0.32)) == [SpeechStarted]
    assert microphone.hear(0.4, 1.0) == []
    assert kinds(microphone.hear(0.3, 1.0)) == [SpeechPaused, SpeechEnded]


@pytest.mark.parametrize("threshold", [0.15, 0.1, 0.02])
def test_speech_ends_in_silence_however_low_the_threshold_is(threshold: float) -> None:
    microphone = Microphone(Endpointer(CONFIG.model_copy(update={"threshold": threshold})))
    assert kinds(microphone.hear(0.9, 0.32)) == [SpeechStarted]
    assert microphone.hear(0.6 * threshold, 0.64) == [], "a little below the threshold it still goes on"
    assert kinds(microphone.hear(0.4 * threshold, 0.64)) == [SpeechPaused, SpeechEnded]


def test_going_on_after_a_pause_voids_it(microphone: Microphone) -> None:
    microphone.hear(0.9, 0.64)
    (paused,) = microphone.hear(0.0, 0.32)
    assert kinds(microphone.hear(0.4, 0.064)) == [], "the way out of a pause needs the full threshold"
    assert kinds(microphone.hear(0.9, 0.32)) == [SpeechResumed]
    assert microphone.endpointer.speaking
    events = microphone.hear(0.0, 0.64)
    assert kinds(events) == [SpeechPaused, SpeechEnded]
    assert isinstance(paused, SpeechPaused) and isinstance(events[1], SpeechEnded)
    before, after = paused.utterance.samples, events[1].utterance.samples
    assert np.array_equal(after[: before.size], before), "the first part is still there"
    assert np.array_equal(before, np.arange(before.size)), "and what was handed out has not changed"


def test_a_gap_between_syllables_is_no_pause(microphone: Microphone) -> None:
    assert kinds(microphone.hear_frames(([0.9] * 6 + [0.1] * 5) * 4)) == [SpeechStarted]


def test_endless_speech_is_cut_and_the_word_in_which_it_is_cut_is_whole_in_what_follows(microphone: Microphone) -> None:
    events = microphone.hear(0.9, 12.0) + microphone.hear(0.0, 0.64)
    assert kinds(events) == [SpeechStarted, SpeechPaused, SpeechEnded] * 3
    utterances = [event.utterance for event in events if isinstance(event, SpeechEnded)]
    assert all(u.samples.size <= (CONFIG.pre_roll_s + CONFIG.max_utterance_s + FRAME_S) * RATE for u in utterances)
    for before, after in pairwise(utterances):
        assert before.samples[-1] - after.samples[0] == round(CONFIG.pre_roll_s * RATE) - 1
        assert after.started_at_s == before.ended_at_s
    assert utterances[0].samples[0] == 0
    assert all(np.array_equal(np.diff(u.samples), np.ones(u.samples.size - 1)) for u in utterances)


def test_who_is_cut_off_goes_on_however_little_is_left(microphone: Microphone) -> None:
    longest_s = CONFIG.pre_roll_s + CONFIG.max_utterance_s
    cut = microphone.hear(0.9, longest_s)[-2]
    assert microphone.endpointer.speaking
    rest = microphone.hear(0.9, FRAME_S) + microphone.hear(0.0, 1.0)
    assert kinds(rest) == [SpeechPaused, SpeechEnded]
    assert isinstance(cut, SpeechEnded) and isinstance(rest[1], SpeechEnded)
    assert (cut.utterance.goes_on, rest[1].utterance.goes_on) == (True, False)
    assert rest[1].utterance.started_at_s == cut.at_s
    assert not microphone.endpointer.speaking
    in_silence = microphone.hear(0.9, CONFIG.max_utterance_s - 3 * FRAME_S) + microphone.hear(0.0, 1.0)
    assert kinds(in_silence) == [SpeechStarted, SpeechPaused, SpeechEnded], "nobody is in mid-word there"
    assert not in_silence[-1].utterance.goes_on


def test_the_onset_of_the_next_utterance_is_in_its_pre_roll(microphone: Microphone) -> None:
    microphone.hear(0.9, 0.64)
    first = microphone.hear(0.0, 0.576)[-1]
    first_voiced = microphone.position
    second = (microphone.hear(0.9, 0.64) + microphone.hear(0.0, 0.64))[-1]
    assert isinstance(first, SpeechEnded) and isinstance(second, SpeechEnded)
    assert second.utterance.samples[0] == first_voiced - round(CONFIG.pre_roll_s * RATE)
    assert second.utterance.samples[0] > first.utterance.samples[-1]


def test_flush_ends_what_is_being_said(microphone: Microphone) -> None:
    microphone.hear(0.9, 0.64)
    events = microphone.endpointer.flush(9.0)
    assert kinds(events) == [SpeechPaused, SpeechEnded]
    assert isinstance(events[1], SpeechEnded)
    assert events[1].at_s == events[1].utterance.at_s == 9.0
    assert events[1].utterance.samples.size == microphone.position
    assert microphone.endpointer.flush(9.1) == []


def test_flush_in_a_pause_ends_with_the_pause_s_samples(microphone: Microphone) -> None:
    microphone.hear(0.9, 0.64)
    (paused,) = microphone.hear(0.0, 0.32)
    (ended,) = microphone.endpointer.flush(2.0)
    assert isinstance(paused, SpeechPaused) and isinstance(ended, SpeechEnded)
    assert ended.utterance.samples is paused.utterance.samples


def test_flush_drops_what_was_too_short(microphone: Microphone) -> None:
    microphone.hear(0.9, 0.096)
    assert microphone.endpointer.flush(1.0) == []


def test_reset_forgets_what_was_being_said(microphone: Microphone) -> None:
    microphone.hear(0.9, 0.64)
    microphone.endpointer.reset()
    assert microphone.hear(0.0, 1.0) == []


def test_an_end_sooner_than_the_pause_is_still_announced_by_one() -> None:
    microphone = Microphone(Endpointer(CONFIG.model_copy(update={"pause_s": 2.0, "end_silence_s": 0.3})))
    assert kinds(microphone.hear(0.9, 0.64) + microphone.hear(0.0, 0.64)) == [SpeechStarted, SpeechPaused, SpeechEnded]


def test_an_endless_pause_is_cut_too() -> None:
    microphone = Microphone(Endpointer(CONFIG.model_copy(update={"end_silence_s": 3600.0})))
    events = microphone.hear(0.9, 0.64) + microphone.hear(0.0, 10.0)
    assert kinds(events) == [SpeechStarted, SpeechPaused, SpeechEnded]


def test_a_pause_ends_earlier_or_later_when_the_words_tell() -> None:
    for silence_s, ended_after_s in ((0.35, 0.352), (1.2, 1.216)):
        endpointer = Endpointer(VadConfig(pause_s=0.16, end_silence_s=0.6))
        ended_at_s, paused = None, None
        for index in range(100):
            at_s = (index + 1) * 0.032
            voiced = index < 20
            for event in endpointer.accept(AudioFrame(at_s, np.zeros(512, np.float32), 16000), float(voiced)):
                if isinstance(event, SpeechPaused) and paused is None:
                    paused = event.utterance
                    endpointer.end_after(silence_s, paused)
                if isinstance(event, SpeechEnded) and ended_at_s is None:
                    ended_at_s = at_s
        assert ended_at_s == pytest.approx(20 * 0.032 + ended_after_s)


def test_going_on_voids_what_the_pause_was_told() -> None:
    endpointer = Endpointer(VadConfig(pause_s=0.16, end_silence_s=0.6))
    events = []
    for index in range(80):
        voiced = index < 20 or 27 <= index < 40
        at_s = (index + 1) * 0.032
        for event in endpointer.accept(AudioFrame(at_s, np.zeros(512, np.float32), 16000), float(voiced)):
            events.append((type(event).__name__, round(at_s, 3)))
            if isinstance(event, SpeechPaused) and at_s < 1.0:
                first = event.utterance
                endpointer.end_after(0.35, first)
            elif isinstance(event, SpeechPaused):
                endpointer.end_after(0.35, first)
    assert [name for name, _ in events] == [
        "SpeechStarted",
        "SpeechPaused",
        "SpeechResumed",
        "SpeechPaused",
        "SpeechEnded",
    ]
    assert events[-1][1] == pytest.approx(40 * 0.032 + 0.608)
