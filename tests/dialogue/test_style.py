"""What the person's mood does to words and voice, and what it leaves alone."""

from __future__ import annotations

import pytest

from assistant.config import Config, EmotionConfig
from assistant.dialogue.style import Wording, speaking_style
from assistant.events import EMOTION_LABELS
from assistant.ports import SpeakingStyle
from tests.doubles.context import feeling

_INDIFFERENT = Config(emotion=EmotionConfig(affects_reply=False))


def test_a_sad_person_gets_a_gentle_opening_now_and_then() -> None:
    wording = Wording(Config())
    replies = [wording.apply("I see a dog.", "scene_describe", feeling("sad"), "en", turn) for turn in range(1, 10)]
    opened = [turn for turn, reply in enumerate(replies, 1) if reply != "I see a dog."]
    assert opened == [1, 5, 9]
    assert all(reply.endswith("I see a dog.") for reply in replies)
    assert "sad" not in replies[0]


def test_openings_are_in_the_language_of_the_reply() -> None:
    reply = Wording(Config()).apply("你好。", "greet", feeling("happy"), "zh", 1)
    assert reply in ("好呀！你好。", "没问题！你好。")


def test_who_is_happy_and_asks_for_something_gets_the_answer_first() -> None:
    assert Wording(Config()).apply("I see a dog.", "scene_describe", feeling("happy"), "en", 1) == "I see a dog."


@pytest.mark.parametrize("intent", ["timer_set", "stop", "time_ask", "volume_up", "feelings_ask", None])
def test_commands_are_answered_plainly(intent: str | None) -> None:
    assert Wording(Config()).apply("Okay.", intent, feeling("sad"), "en", 1) == "Okay."


def test_without_a_clear_emotion_nothing_changes() -> None:
    for emotion in (None, feeling(None), feeling("sad", 0.5), feeling("neutral")):
        assert Wording(Config()).apply("Hello!", "greet", emotion, "en", 1) == "Hello!"
    assert Wording(_INDIFFERENT).apply("Hello!", "greet", feeling("sad"), "en", 1) == "Hello!"
    assert Wording(Config()).apply("", "greet", feeling("sad"), "en", 1) == ""


def test_the_voice_follows_within_tasteful_bounds() -> None:
    for label in EMOTION_LABELS:
        style = speaking_style(feeling(label), Config())
        assert 0.9 <= style.rate <= 1.1
        assert 0.95 <= style.pitch <= 1.05
        assert 0.9 <= style.volume <= 1.0
    assert speaking_style(feeling("sad"), Config()).rate < 1.0 < speaking_style(feeling("happy"), Config()).rate


def test_the_voice_is_neutral_without_an_emotion() -> None:
    for emotion, config in ((None, Config()), (feeling(None), Config()), (feeling("sad"), _INDIFFERENT)):
        assert speaking_style(emotion, config) == SpeakingStyle()


def test_a_surer_emotion_is_followed_further() -> None:
    rates = [speaking_style(feeling("sad", confidence), Config()).rate for confidence in (0.5, 0.7, 0.95)]
    assert 1.0 > rates[0] > rates[1] > rates[2]
