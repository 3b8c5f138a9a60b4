"""Questions about what the camera sees."""

from __future__ import annotations

import anyio
import pytest

from assistant.events import Box, Detection, Face, SceneCaption, SceneState
from assistant.ports import Intent
from assistant.skills.scene import SceneSkill
from tests.doubles.clock import ManualClock
from tests.doubles.context import GivenSenses, skill_context

_LEFT, _RIGHT = Box(0.0, 0.2, 0.2, 0.6), Box(0.8, 0.2, 1.0, 0.6)


def _ask(senses: GivenSenses, intent: str, language: str = "en", *, age_s: float = 0.0, **slots: str) -> str:
    async def ask() -> str:
        clock = ManualClock()
        await clock.advance(age_s)
        skill = SceneSkill(min_confidence=0.35, max_age_s=10.0)
        return (await skill.handle(Intent(intent, slots, language, ""), skill_context(senses, clock=clock))).text

    return anyio.run(ask)


def _seeing(*objects: Detection, faces: int = 0) -> GivenSenses:
    scene = SceneState(0.0, objects, tuple(Face(_LEFT, 0.9) for _ in range(faces)))
    captions = {language: SceneCaption(0.0, text, language, 0.9, 0.0) for language, text in _CAPTIONS.items()}
    return GivenSenses(current_scene=scene, captions=captions)


_CAPTIONS = {"en": "I see two dogs.", "zh": "我看到两只狗。"}
_TWO_DOGS = (Detection("dog", 0.9, _LEFT), Detection("dog", 0.6, _RIGHT), Detection("dog", 0.1, _RIGHT))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_description_is_the_caption(language: str) -> None:
    assert _ask(_seeing(*_TWO_DOGS), "scene_describe", language) == _CAPTIONS[language]


def test_things_are_counted_above_the_configured_confidence() -> None:
    assert _ask(_seeing(*_TWO_DOGS), "scene_count", object="dogs") == "I see two dogs."
    assert _ask(_seeing(*_TWO_DOGS), "scene_count", object="cups") == "I don't see any cups."
    assert _ask(_seeing(*_TWO_DOGS), "scene_count", "zh", object="狗") == "我看到两只狗。"
    assert _ask(_seeing(*_TWO_DOGS), "scene_count", "zh", object="杯子") == "我没看到杯子。"


def test_faces_count_as_people() -> None:
    one_person = Detection("person", 0.5, _LEFT)
    assert _ask(_seeing(one_person, faces=2), "scene_count", object="people") == "I see two people."
    assert _ask(_seeing(one_person), "scene_count", object="people") == "I see one person."


def test_whether_something_is_there() -> None:
    assert _ask(_seeing(*_TWO_DOGS), "scene_exists", object="dog") == "Yes, I see two dogs."
    assert _ask(_seeing(*_TWO_DOGS), "scene_exists", object="cat") == "No, I don't see any cats."
    weak = Detection("cat", 0.4, _LEFT)
    assert _ask(_seeing(weak), "scene_exists", object="cat") == "I think so. It looks like one cat."


def test_a_seen_face_outweighs_a_doubtful_person() -> None:
    doubtful = Detection("person", 0.1, _LEFT)
    assert _ask(_seeing(doubtful, faces=1), "scene_exists", object="person") == "Yes, I see one person."


def test_where_something_is() -> None:
    assert _ask(_seeing(*_TWO_DOGS), "scene_where", object="dog") == "I see one dog on the left."
    assert _ask(_seeing(Detection("cup", 0.9, _RIGHT)), "scene_where", "zh", object="杯子").endswith("在右边。")
    assert _ask(_seeing(), "scene_where", object="cup") == "I don't see any cups."


def test_an_unknown_thing_is_admitted() -> None:
    answer = _ask(_seeing(*_TWO_DOGS), "scene_exists", object="unicorn")
    assert answer == "I don't know what unicorn looks like, so I can't tell."


def test_an_old_scene_is_named_as_old() -> None:
    answer = _ask(_seeing(*_TWO_DOGS), "scene_count", age_s=40.0, object="dogs")
    assert answer == "I see two dogs. That was forty seconds ago."
    assert "ago" not in _ask(_seeing(*_TWO_DOGS), "scene_count", age_s=9.0, object="dogs")


@pytest.mark.parametrize("intent", ["scene_describe", "scene_count", "scene_exists", "scene_where"])
@pytest.mark.parametrize(("language", "cannot"), [("en", "I can't see right now"), ("zh", "看不见")])
@pytest.mark.parametrize("stage", ["camera", "vision"])
def test_blind_it_says_what_it_cannot_do(intent: str, language: str, cannot: str, stage: str) -> None:
    blind = _seeing(*_TWO_DOGS)
    blind.broken = {stage: "It does not work."}
    assert cannot in _ask(blind, intent, language, object="dog")


@pytest.mark.parametrize("intent", ["scene_describe", "scene_count"])
def test_before_the_first_picture_it_says_so(intent: str) -> None:
    assert "I haven't seen anything yet." in _ask(GivenSenses(), intent, object="dog")
