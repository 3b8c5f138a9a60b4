"""Names in answers and captions."""

from __future__ import annotations

import json
from dataclasses import replace

import anyio
import pytest

from assistant.caption.grounded import GroundedCaptioner
from assistant.events import Detection, SceneState, Track
from assistant.ports import Intent
from assistant.skills.scene import SceneSkill
from assistant.telemetry.encode import to_json
from tests.doubles.clock import ManualClock
from tests.doubles.context import GivenSenses, skill_context
from tests.doubles.faces import body_of, face_at

LEFT, MIDDLE, RIGHT = face_at(0.2), face_at(0.5), face_at(0.8)


def _scene(*people: tuple[str, bool], strangers: int = 0, things: tuple[Track, ...] = ()) -> SceneState:
    places = [LEFT, MIDDLE, RIGHT]
    signed = [*people, *[("", False)] * strangers]
    tracks = [
        Track(number, "person", 0.9, body_of(face), 0.0, 0.0, name=name, name_sure=sure)
        for number, (face, (name, sure)) in enumerate(zip(places, signed, strict=False))
    ]
    faces = [replace(face, name=name, name_sure=sure) for face, (name, sure) in zip(places, signed, strict=False)]
    return SceneState(0.0, (), tuple(faces), tracks=(*tracks, *things))


def _who(scene: SceneState, language: str) -> str:
    async def ask() -> str:
        skill = SceneSkill(min_confidence=0.35, max_age_s=10.0)
        context = skill_context(GivenSenses(scene), clock=ManualClock())
        return (await skill.handle(Intent("scene_who", {}, language, ""), context)).text

    return anyio.run(ask)


def _caption(scene: SceneState, language: str, now_s: float = 0.0) -> str:
    return GroundedCaptioner(min_confidence=0.35, max_age_s=10.0).caption(scene, language, now_s).text


ANNA, BEN, LI = ("Anna", True), ("Ben", False), ("小李", True)


@pytest.mark.parametrize(
    ("scene", "english", "chinese"),
    [
        (_scene(ANNA), "I see Anna.", "我看到Anna。"),
        (_scene(ANNA, LI), "I see Anna and 小李.", "我看到Anna和小李。"),
        (_scene(BEN), "I think I see Ben.", "好像有Ben。"),
        (
            _scene(ANNA, strangers=1),
            "I see Anna and one more person I don't know.",
            "我看到Anna，还有一个人我不认识。",
        ),
        (
            _scene(LI, strangers=2),
            "I see 小李 and two more people I don't know.",
            "我看到小李，还有两个人我不认识。",
        ),
        (_scene(ANNA, BEN), "I see Anna. I think I see Ben.", "我看到Anna。好像有Ben。"),
        (_scene(strangers=1), "I see one person, but I don't know who that is.", "我看到一个人，但我不认识。"),
    ],
)
def test_who_is_there(scene: SceneState, english: str, chinese: str) -> None:
    assert _who(scene, "en") == english
    assert _who(scene, "zh") == chinese


def test_a_name_stays_while_the_face_is_turned_away() -> None:
    assert _who(replace(_scene(ANNA), faces=()), "en") == "I see Anna."


CHAIR = Track(9, "chair", 0.9, face_at(0.85, 0.7, 0.3).box, 0.0, 0.0)


@pytest.mark.parametrize(
    ("scene", "english", "chinese"),
    [
        (_scene(ANNA), "I see Anna.", "我看到Anna。"),
        (_scene(BEN), "I think I see Ben.", "我觉得好像有Ben。"),
        (
            _scene(ANNA, strangers=1),
            "I see Anna and another person in the middle facing me.",
            "我看到Anna，中间还有一个面朝我的人。",
        ),
        (_scene(ANNA, things=(CHAIR,)), "I see Anna and a chair on the right.", "我看到Anna，右边有一把椅子。"),
        (_scene(ANNA, BEN), "I see Anna. I think I see Ben.", "我看到Anna。我觉得好像有Ben。"),
    ],
)
def test_captions_name_people_and_count_the_others(scene: SceneState, english: str, chinese: str) -> None:
    assert _caption(scene, "en") == english
    assert _caption(scene, "zh") == chinese


def test_an_old_scene_names_people_in_the_past() -> None:
    assert _caption(_scene(ANNA), "en", 40.0) == "Forty seconds ago I saw Anna."


def test_a_face_without_a_body_has_a_name_too() -> None:
    portrait = replace(_scene(ANNA), tracks=(), objects=(Detection("cup", 0.9, RIGHT.box),))
    assert _who(portrait, "en") == "I see Anna."
    assert _caption(replace(portrait, tracks=None), "en") == "I see Anna and a cup on the right."


def test_names_are_content_and_stay_out_of_logs_without_it() -> None:
    assert "Anna" in json.dumps(to_json(_scene(ANNA)))
    assert "Anna" not in json.dumps(to_json(_scene(ANNA), log_content=False))
