"""Several requests in one breath: what is several, and what only looks like it."""

from __future__ import annotations

import pytest

from assistant.config import Config
from assistant.dialogue.interpreter import HassilInterpreter
from assistant.models.store import ModelStore


@pytest.fixture(scope="module")
def interpreter() -> HassilInterpreter:
    return HassilInterpreter.create(Config(), ModelStore())


def _asked(interpreter: HassilInterpreter, text: str) -> list[str]:
    intent = interpreter.interpret(text, "en")
    return [each.name for each in (intent, *intent.then)] if intent is not None else []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("turn it up and what time is it", ["volume_up", "time_ask"]),
        ("Turn it up, and then what time is it?", ["volume_up", "time_ask"]),
        ("Turn it up. And what time is it?", ["volume_up", "time_ask"]),
        ("Turn it up. What time is it?", ["volume_up", "time_ask"]),
        ("what time is it then turn it down", ["time_ask", "volume_down"]),
        ("set a timer for five minutes and ten seconds and what time is it", ["timer_set", "time_ask"]),
        ("what time is it and set a timer for five minutes and ten seconds", ["time_ask", "timer_set"]),
        ("set a timer for one hour and a timer for two hours", ["timer_set", "timer_set"]),
        ("turn it down and goodbye", ["volume_down", "goodbye"]),
        ("声音大一点然后现在几点", ["volume_up", "time_ask"]),
        ("声音大一点，现在几点？", ["volume_up", "time_ask"]),
        ("现在几点？声音大一点。", ["time_ask", "volume_up"]),
        ("声音大一点。然后，现在几点？", ["volume_up", "time_ask"]),
        ("声音大一点再说一遍", ["volume_up", "repeat"]),
        ("把声音调大并且告诉我今天星期几", ["volume_up", "date_ask"]),
        ("看看几点和设一个五分钟的计时器", ["time_ask", "timer_set"]),
        ("取消计时器，再设一个十分钟的计时器", ["timer_cancel", "timer_set"]),
        ("声音大一点，再见", ["volume_up", "goodbye"]),
        ("turn it up 然后现在几点", ["volume_up", "time_ask"]),
        ("turn it up and what time is it and what is the date", ["volume_up", "time_ask", "date_ask"]),
        ("声音大一点，现在几点，今天星期几？", ["volume_up", "time_ask", "date_ask"]),
        (
            "turn it up, what time is it and set a timer for five minutes and ten seconds",
            ["volume_up", "time_ask", "timer_set"],
        ),
        ("what time is it and turn it up and what time is it", ["time_ask", "volume_up"]),
    ],
)
def test_all_are_understood(interpreter: HassilInterpreter, text: str, names: list[str]) -> None:
    assert _asked(interpreter, text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("set a timer for five minutes and ten seconds", ["timer_set"]),
        ("set a timer for an hour and a half", ["timer_set"]),
        ("set a timer for ten minutes for pasta and rice", ["timer_set"]),
        ("cancel the pasta and rice timer", ["timer_cancel"]),
        ("timer for pasta and rice", []),
        ("what's on the left and on the right", []),
        ("how many cats and dogs do you see", ["scene_count"]),
        ("look around and tell me what you see", ["scene_describe"]),
        ("tell me when anna and tom come home", ["scene_watch"]),
        ("turn off the camera and microphone", ["mute"]),
        ("what time is it then", ["time_ask"]),
        ("设一个五分钟和十秒的计时器", ["timer_set"]),
        ("五分钟和十秒", []),
        ("关掉麦克风和摄像头", ["mute"]),
        ("有没有猫和狗", []),
        ("你看到猫和狗了吗", []),
        ("声音再大一点", ["volume_up"]),
        ("再说一遍", ["repeat"]),
        ("然后现在几点", ["time_ask"]),
    ],
)
def test_one_request_stays_one(interpreter: HassilInterpreter, text: str, names: list[str]) -> None:
    assert _asked(interpreter, text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("turn it up and play some music", ["volume_up"]),
        ("play some music and turn it up", ["volume_up"]),
        ("hello and what time is it", ["time_ask"]),
        ("stop and what time is it", ["stop"]),
        ("read this and tell me what it says", ["scene_read"]),
        ("set a timer for one hour and set a timer for one hour", ["timer_set"]),
        ("turn it up and what time is it and sing a song", ["volume_up"]),
        ("你好，现在几点了？", ["time_ask"]),
        ("声音大一点然后唱首歌", ["volume_up"]),
        ("不好意思，没听清，再说一遍", ["repeat"]),
    ],
)
def test_otherwise_the_first_that_is_understood_is_taken(
    interpreter: HassilInterpreter, text: str, names: list[str]
) -> None:
    assert _asked(interpreter, text) == names


def test_the_second_half_of_a_duration_is_no_name(interpreter: HassilInterpreter) -> None:
    intent = interpreter.interpret("设一个五分钟和十秒的计时器", "zh")
    assert intent is not None
    assert dict(intent.slots) == {"minutes": "5", "seconds": "10"}
