"""What every interpreter in the registry must keep to."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.config import Config
from assistant.dialogue import INTERPRETERS
from assistant.models.store import ModelStore
from assistant.ports import Interpreter
from assistant.registry import resolve
from assistant.skills import SKILLS


@pytest.fixture(scope="module", params=sorted(INTERPRETERS))
def interpreter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    store = ModelStore(Path(tmp_path_factory.mktemp("empty store")))
    created: Interpreter = resolve(INTERPRETERS, request.param, kind="interpreter").create(Config(), store)
    return created


@pytest.mark.parametrize(
    ("text", "language", "name"),
    [
        ("What do you see?", "en", "scene_describe"),
        ("what do you see", "en", "scene_describe"),
        ("你看到了什么？", "zh", "scene_describe"),
        ("How many dogs are there?", "en", "scene_count"),
        ("What time is it?", "en", "time_ask"),
        ("现在几点了", "zh", "time_ask"),
    ],
)
def test_what_the_skills_answer_is_understood(interpreter: Interpreter, text: str, language: str, name: str) -> None:
    intent = interpreter.interpret(text, language)
    assert intent is not None
    assert (intent.name, intent.language, intent.text) == (name, language, text)
    skills = [resolve(SKILLS, skill, kind="skill") for skill in SKILLS]
    assert any(intent.name in skill.intents for skill in skills)


def test_slots_are_words_of_the_sentence(interpreter: Interpreter) -> None:
    intent = interpreter.interpret("How many dogs are there?", "en")
    assert intent is not None
    assert dict(intent.slots) == {"object": "dogs"}


def test_chinese_that_was_taken_for_english_is_understood(interpreter: Interpreter) -> None:
    """A recogniser's language tag is wrong more often than the script."""
    intent = interpreter.interpret("现在几点了", "en")
    assert intent is not None
    assert (intent.name, intent.language) == ("time_ask", "zh")


@pytest.mark.parametrize("language", ["en", "zh", "ko"])
@pytest.mark.parametrize(
    "text", ["", " ", "?!", "。", "\0", "🙂", "the", "嗯", "colourless green ideas sleep", "x" * 2000]
)
def test_what_means_nothing_is_no_intent(interpreter: Interpreter, text: str, language: str) -> None:
    assert interpreter.interpret(text, language) is None


def test_the_same_words_mean_the_same_again(interpreter: Interpreter) -> None:
    first = interpreter.interpret("How many dogs are there?", "en")
    interpreter.interpret("How many cats are there?", "en")
    assert interpreter.interpret("How many dogs are there?", "en") == first


@pytest.mark.parametrize("text", ["Is there", "What is the", "I want to know", "how", "你看到", "桌子上", "我想知道"])
def test_how_a_request_begins_calls_for_more(interpreter: Interpreter, text: str) -> None:
    assert interpreter.interpret(text, "en") is None
    assert interpreter.begins(text, "en")


@pytest.mark.parametrize("text", ["What time is it?", "I had a nice day", "现在几点了", "我今天很忙"])
def test_what_is_whole_or_nothing_calls_for_no_more(interpreter: Interpreter, text: str) -> None:
    assert not interpreter.begins(text, "en")
