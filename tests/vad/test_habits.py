"""What is known of a speaker's pauses, and for how long."""

from __future__ import annotations

import pytest

from assistant.config import VadConfig
from assistant.events import SpeechEnded, SpeechPaused, SpeechResumed, Utterance
from assistant.vad.habits import PauseHabits
from tests.doubles.conversation import utterance

CONFIG = VadConfig(end_silence_s=0.6, end_silence_unfinished_s=1.2)


def speak(habits: PauseHabits, at_s: float, *pauses_s: float) -> Utterance:
    """Someone speaks with these pauses."""
    now_s = at_s
    for pause_s in pauses_s:
        now_s += 1.0
        habits.note(SpeechPaused(now_s + 0.16, utterance(at_s, now_s)))
        now_s += pause_s
        habits.note(SpeechResumed(now_s))
    said = utterance(at_s, now_s + 1.0)
    habits.note(SpeechPaused(now_s + 1.16, said))
    habits.note(SpeechEnded(now_s + 1.6, said))
    return said


def habits_of(*pauses_s: float) -> PauseHabits:
    habits = PauseHabits(CONFIG)
    for index, pause_s in enumerate(pauses_s):
        habits.learn(speak(habits, 10.0 * index, *([pause_s] if pause_s else [])))
    return habits


def test_nothing_is_known_of_a_stranger() -> None:
    assert habits_of(0.9, 0.9).end_silence_s(0.35) == 0.35


def test_whoever_thinks_long_is_waited_for() -> None:
    assert habits_of(0.7, 0.8, 0.9).end_silence_s(0.35) == pytest.approx(0.9)


def test_a_pause_that_cut_somebody_off_counts_too() -> None:
    habits = PauseHabits(CONFIG)
    for index in range(3):
        habits.learn(speak(habits, 10.0 * index), 1.0)
    assert habits.end_silence_s(0.35) == pytest.approx(1.0)


def test_it_never_waits_less_than_wanted_nor_longer_than_allowed() -> None:
    assert habits_of(0.4, 0.4, 0.4).end_silence_s(0.6) == 0.6
    assert habits_of(3.0, 3.0, 3.0).end_silence_s(0.35) == 1.2
    assert habits_of(3.0, 3.0, 3.0).end_silence_s(2.0) == 2.0


def test_fluent_speech_makes_up_for_hesitation() -> None:
    assert habits_of(*[0.9] * 10, *[0.0] * 20).end_silence_s(0.35) == 0.35


def test_what_is_said_to_others_teaches_nothing() -> None:
    habits = PauseHabits(CONFIG)
    for index in range(10):
        speak(habits, 10.0 * index, 0.9, 0.9)
    assert habits.end_silence_s(0.35) == 0.35
    habits.learn(speak(habits, 200.0, 0.8, 0.8, 0.8))
    assert habits.end_silence_s(0.35) == pytest.approx(0.8)
