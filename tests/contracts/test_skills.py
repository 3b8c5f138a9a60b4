"""What every skill must keep to, over the whole registry and all built-in sentence templates."""

from __future__ import annotations

import string

import anyio
import pytest

from assistant.config import Config
from assistant.dialogue.interpreter import HassilInterpreter
from assistant.dialogue.phrases import PHRASES
from assistant.events import EMOTION_LABELS, Box, Detection, SceneCaption, SceneState
from assistant.han import contains_han
from assistant.models.store import ModelStore
from assistant.ports import Intent, Skill
from assistant.registry import resolve
from assistant.skills import SKILLS, Reply
from tests.doubles.context import GivenSenses, RecordedControls, feeling, skill_context

_LANGUAGES = ("en", "zh")
_SLOTS = {"volume_set": {"volume": "40"}, "timer_set": {"minutes": "5"}}
_OBJECT = {"en": {"object": "dog"}, "zh": {"object": "狗"}}


@pytest.fixture(scope="module")
def templated() -> dict[str, frozenset[str]]:
    return HassilInterpreter.create(Config(), ModelStore()).intents


def _skills() -> dict[str, Skill]:
    return {name: resolve(SKILLS, name, kind="skill").create(Config(), ModelStore()) for name in SKILLS}


def _slots(intent: str, language: str) -> dict[str, str]:
    return _SLOTS.get(intent, _OBJECT[language] if intent.startswith("scene_") else {})


def _worlds() -> list[GivenSenses]:
    dog = SceneState(0.0, (Detection("dog", 0.9, Box(0, 0, 1, 1)),), ())
    captions = {
        language: SceneCaption(0.0, text, language, 0.9, 0.0)
        for language, text in (("en", "I see a dog."), ("zh", "我看到一只狗。"))
    }
    feelings = [GivenSenses(current_emotion=feeling(label)) for label in (*EMOTION_LABELS, None)]
    return [GivenSenses(), GivenSenses(dog, captions), GivenSenses(broken={"camera": "Gone."}), *feelings]


def _answers(intent: str, language: str) -> list[Reply]:
    (skill,) = (skill for skill in _skills().values() if intent in skill.intents)
    request = Intent(intent, _slots(intent, language), language, "")
    controls = RecordedControls(said_last="我在。" if language == "zh" else "I'm here.")
    return [
        anyio.run(skill.handle, request, skill_context(world, controls, turn_id=turn))
        for turn, world in enumerate(_worlds())
    ]


def test_both_languages_have_templates_for_the_same_intents(templated: dict[str, frozenset[str]]) -> None:
    assert templated["en"] == templated["zh"]


def test_every_intent_is_answered_by_exactly_one_skill(templated: dict[str, frozenset[str]]) -> None:
    answered = sorted(intent for skill in _skills().values() for intent in skill.intents)
    assert answered == sorted(templated["en"])


@pytest.mark.parametrize("language", _LANGUAGES)
def test_every_reply_is_in_the_language_of_the_request(language: str, templated: dict[str, frozenset[str]]) -> None:
    for intent in sorted(templated[language] - {"stop"}):
        for reply in _answers(intent, language):
            assert reply.text, intent
            assert contains_han(reply.text) is (language == "zh"), (intent, reply.text)


@pytest.mark.parametrize("language", _LANGUAGES)
def test_every_reply_can_be_spoken(language: str, templated: dict[str, frozenset[str]]) -> None:
    for intent in sorted(templated[language]):
        for reply in _answers(intent, language):
            assert not set(reply.text) & set(string.digits + "{}[]<>*#_%/\\:\n"), (intent, reply.text)


@pytest.mark.parametrize("key", PHRASES)
def test_every_phrase_exists_in_both_languages_with_the_same_fields(key: str) -> None:
    fields = {
        language: {
            frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)
            for text in PHRASES[key][language]
        }
        for language in _LANGUAGES
    }
    assert set(PHRASES[key]) == set(_LANGUAGES)
    assert fields["en"] == fields["zh"]
    assert all(contains_han(text) for text in PHRASES[key]["zh"])
    assert not any(contains_han(text) for text in PHRASES[key]["en"])
