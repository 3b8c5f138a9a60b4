"""Which intent a sentence is taken for. The lists beside this file were written before the templates."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.config import Config, DialogueConfig
from assistant.dialogue.interpreter import HassilInterpreter
from assistant.errors import ConfigError
from assistant.models.store import ModelStore

_HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def interpreter() -> HassilInterpreter:
    return HassilInterpreter.create(Config(), ModelStore())


def _rows(name: str) -> list[tuple[str, str]]:
    lines = (_HERE / name).read_text(encoding="utf-8").splitlines()
    return [(key, text) for key, text in (line.split("\t") for line in lines)]


@pytest.mark.parametrize("name", ["paraphrases_en.tsv", "paraphrases_zh.tsv", "second_en.tsv", "second_zh.tsv"])
def test_paraphrases_are_understood(interpreter: HassilInterpreter, name: str) -> None:
    rows = _rows(name)
    understood = [(intent, text, interpreter.interpret(text, name[-6:-4])) for intent, text in rows]
    wrong = [(intent, text, got and got.name) for intent, text, got in understood if got is None or got.name != intent]
    assert len(wrong) <= 0.03 * len(rows), wrong


@pytest.mark.parametrize("name", ["unrelated.tsv", "second_unrelated.tsv"])
def test_what_no_skill_can_do_is_left_alone(interpreter: HassilInterpreter, name: str) -> None:
    taken = [(text, got.name) for language, text in _rows(name) if (got := interpreter.interpret(text, language))]
    assert taken == []


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("Set a timer for an hour and a half.", {"hours": "1", "half_hours": "1"}),
        ("Set a timer for 1.5 hours", {"hours": "1", "half_hours": "1"}),
        ("Set a timer for twenty-five minutes", {"minutes": "25"}),
        ("set a timer for 2 hours, 10 minutes and 5 seconds", {"hours": "2", "minutes": "10", "seconds": "5"}),
        ("Remind me in half an hour.", {"half_hours": "1"}),
        ("Set a ten minute timer called green tea.", {"minutes": "10", "name": "green tea"}),
        ("设一个一个半小时的计时器", {"hours": "1", "half_hours": "1"}),
        ("计时五分半钟", {"minutes": "5", "half_minutes": "1"}),
        ("两分钟后提醒我", {"minutes": "2"}),
        ("定一个叫面条的十分钟计时器", {"minutes": "10", "name": "面条"}),
        ("設一個25分鐘的計時器", {"minutes": "25"}),
    ],
)
def test_durations_and_names_become_slots(interpreter: HassilInterpreter, text: str, slots: dict[str, str]) -> None:
    intent = interpreter.interpret(text, "en")
    assert intent is not None
    assert (intent.name, dict(intent.slots)) == ("timer_set", slots)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Hello, what time is it?", "time_ask"),
        ("what time is it and what do you see", "time_ask"),
        ("Hey Jarvis, what do you see?", "scene_describe"),
        ("Thank you. Goodbye.", "goodbye"),
        ("你好，现在几点了？", "time_ask"),
        ("现在几点了？然后设一个五分钟的计时器。", "time_ask"),
        ("No, what time is it?", "time_ask"),
        ("Never mind, what time is it?", "time_ask"),
        ("好了，现在几点了？", "time_ask"),
        ("Hello, stop.", "stop"),
        ("Wait, wait.", "stop"),
        ("No, no, no.", "stop"),
        ("等等，等等", "stop"),
        ("Stop, I have heard enough of this story.", "stop"),
        ("算了，我不想听了", "stop"),
        ("不用了，我自己来", "stop"),
    ],
)
def test_the_first_request_of_several_is_taken(interpreter: HassilInterpreter, text: str, intent: str) -> None:
    got = interpreter.interpret(text, "en")
    assert got is not None
    assert got.name == intent


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("what do you sea", "scene_describe"),
        ("现在几点乐", "time_ask"),
        ("你看到了什摩", "scene_describe"),
        ("再说一便", "repeat"),
        ("五分中後叫我", "timer_set"),
    ],
)
def test_misheard_sentences_are_understood_by_sound(interpreter: HassilInterpreter, text: str, intent: str) -> None:
    got = interpreter.interpret(text, "zh")
    assert got is not None
    assert got.name == intent


@pytest.mark.parametrize(
    "text", ["What do you say?", "What do you need?", "关掉电视", "关掉电视机", "", " ", "…", "？", "a" * 5000]
)
def test_near_misses_and_noise_are_not_forced_into_an_intent(interpreter: HassilInterpreter, text: str) -> None:
    assert interpreter.interpret(text, "en") is None


@pytest.mark.parametrize(
    "text",
    [
        "别停了", "别停", "不要停", "请不要停", "别停下来了", "别停，你别停",
        "don't stop", "Don't stop talking.", "please don't stop",
        "turn on the camera", "Turn the microphone on.", "switch on your microphone and camera",
        "do not switch off your microphone and camera", "把麦克风开了", "把摄像头开了",
        "听", "听吧", "听一下", "百", "位",
        "No, I meant Tuesday.", "Wait, I have a question.", "it's fine, I like it",
    ],
)  # fmt: skip
def test_what_says_the_opposite_of_a_request_or_only_one_syllable_of_it_is_none(
    interpreter: HassilInterpreter, text: str
) -> None:
    assert interpreter.interpret(text, "en") is None


@pytest.mark.parametrize("text", ["别听了", "stop listening", "turn of the camera", "把麦克风管了", "管掉麦克风"])
def test_a_request_to_mute_is_one(interpreter: HassilInterpreter, text: str) -> None:
    intent = interpreter.interpret(text, "en")
    assert intent is not None
    assert intent.name == "mute"


def test_what_is_asked_beside_not_to_stop_is_done(interpreter: HassilInterpreter) -> None:
    intent = interpreter.interpret("别停，现在几点了？", "zh")
    assert intent is not None
    assert (intent.name, intent.then) == ("time_ask", ())


@pytest.mark.parametrize(
    "text", ["我昨天从超市里买回来的东西是什么颜色", "设置一个叫做我昨天从超市买回来的东西的五分钟计时器"]
)
def test_a_chinese_name_is_measured_in_characters_for_it_has_no_spaces(
    interpreter: HassilInterpreter, text: str
) -> None:
    assert interpreter.interpret(text, "zh") is None


def test_the_script_decides_when_the_language_tag_is_wrong(interpreter: HassilInterpreter) -> None:
    intent = interpreter.interpret("What time is it?", "zh")
    assert intent is not None
    assert intent.language == "en"


def test_own_templates_are_read_after_the_built_in_ones(tmp_path: Path) -> None:
    own = """
    intents: {lamp_on: {data: [{sentences: ['light up [the ]{lamp}']}]}}
    lists: {lamp: {values: [lamp, torch]}}
    """
    (tmp_path / "en.yaml").write_text(own, encoding="utf-8")
    config = Config(dialogue=DialogueConfig(sentences=str(tmp_path)))
    interpreter = HassilInterpreter.create(config, ModelStore())
    intent = interpreter.interpret("Light up the torch, please", "en")
    assert intent is not None
    assert (intent.name, intent.slots) == ("lamp_on", {"lamp": "torch"})
    assert interpreter.interpret("What time is it?", "en") is not None


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("intents: [", "en.yaml"),
        ("- a list", "en.yaml"),
        ("intents: {x: {data: [{sentences: ['(a|b']}]}}", "template"),
        ("intents: {x: 3}", "template"),
        ("intents: {x: {data: [{sentences: ['a {colour}']}]}}", "colour"),
        ("intents: {x: {data: [{sentences: ['a <colour>']}]}}", "colour"),
    ],
)
def test_unreadable_own_templates_are_refused(tmp_path: Path, content: str, named: str) -> None:
    (tmp_path / "en.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=named):
        HassilInterpreter.create(Config(dialogue=DialogueConfig(sentences=str(tmp_path))), ModelStore())


def test_a_missing_folder_of_own_templates_is_named() -> None:
    with pytest.raises(ConfigError, match="/nowhere"):
        HassilInterpreter.create(Config(dialogue=DialogueConfig(sentences="/nowhere")), ModelStore())
