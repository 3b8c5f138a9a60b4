"""Questions about what the camera sees."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from assistant.events import Box, Detection, Face, SceneCaption, SceneChange, SceneState, Track, VideoFrame
from assistant.ports import Intent
from assistant.skills.scene import SceneSkill
from assistant.vision.memory import SceneMemory
from assistant.vision.motion import MotionGate
from tests.doubles.clock import ManualClock
from tests.doubles.context import GivenSenses, skill_context
from tests.doubles.vision import flat_picture

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
    assert (
        _ask(_seeing(*_TWO_DOGS), "scene_where", object="dog")
        == "I see two dogs, one on the left and one on the right."
    )
    assert _ask(_seeing(*_TWO_DOGS), "scene_where", "zh", object="狗") == "我看到两只狗，一只在左边，一只在右边。"
    assert _ask(_seeing(Detection("cup", 0.9, _RIGHT)), "scene_where", "zh", object="杯子").endswith("在右边。")
    assert _ask(_seeing(), "scene_where", object="cup") == "I don't see any cups."


def test_an_unknown_thing_is_admitted() -> None:
    answer = _ask(_seeing(*_TWO_DOGS), "scene_exists", object="unicorn")
    assert answer == "I don't know what a unicorn looks like, so I can't tell."


def test_an_old_scene_is_named_as_old() -> None:
    answer = _ask(_seeing(*_TWO_DOGS), "scene_count", age_s=40.0, object="dogs")
    assert answer == "I see two dogs. That was forty seconds ago."
    assert "ago" not in _ask(_seeing(*_TWO_DOGS), "scene_count", age_s=9.0, object="dogs")
    for senses, intent, slots in (
        (_seeing(faces=1), "scene_who", {}),
        (_seeing(*_TWO_DOGS), "scene_exists", {"object": "dogs"}),
        (_seeing(*_TWO_DOGS), "scene_seen", {"object": "dogs"}),
        (GivenSenses(current_scene=SceneState(0.0, (), (), dark=True)), "scene_exists", {"object": "dogs"}),
    ):
        assert "forty seconds ago" in _ask(senses, intent, age_s=40.0, **slots), intent
        assert "四十秒" in _ask(senses, intent, "zh", age_s=40.0, **slots), intent


def _tracked(*things: Track, faces: int = 0) -> GivenSenses:
    found = tuple(Face(_LEFT, 0.9) for _ in range(faces))
    return GivenSenses(SceneState(0.0, (), found, tracks=things, brightness=0.5))


def _track(label: str, box: Box, confidence: float = 0.8, **more: object) -> Track:
    return replace(Track(1, label, confidence, box, 0.0, 0.0), **more)


_TABLE = _track("dining table", Box(0.2, 0.5, 0.8, 0.95))
_CUP = _track("cup", Box(0.3, 0.4, 0.38, 0.55), color="red")
_BOOK = _track("book", Box(0.6, 0.45, 0.7, 0.55), color="blue")
_DOG = _track("dog", Box(0.45, 0.8, 0.6, 0.98), 0.4)


def test_counts_come_from_what_is_followed_not_from_one_picture() -> None:
    flickering = GivenSenses(SceneState(0.0, (), (), tracks=(_CUP, _track("cup", _RIGHT, 0.3))))
    assert _ask(flickering, "scene_count", object="cups") == "I see one cup, and perhaps one more."
    seen_once = _tracked(_track("cup", _RIGHT, 0.3, confirmed=False))
    assert _ask(seen_once, "scene_count", object="cups") == "I don't see any cups."
    perhaps = _track("cup", _RIGHT, 0.4, confirmed=False)
    assert _ask(_tracked(_CUP, perhaps), "scene_count", object="cups") == "I see one cup."
    assert _ask(_tracked(perhaps), "scene_exists", object="cup") == "I think so. It looks like one cup."


@pytest.mark.parametrize(
    ("slots", "english", "chinese"),
    [
        ({"object": "table", "side": "on"}, "On the table, I see one cup and one book.", "桌子上有一个杯子和一本书。"),
        ({"object": "table", "side": "under"}, "Under the table, I think I see one dog.", "桌子下面好像有一只狗。"),
        (
            {"object": "cup", "side": "left"},
            "I don't see anything to the left of the cup.",
            "我没看到杯子左边有什么东西。",
        ),
        (
            {"object": "book", "side": "right"},
            "I don't see anything to the right of the book.",
            "我没看到书右边有什么东西。",
        ),
        ({"object": "sofa", "side": "on"}, "I don't see any couches.", "我没看到沙发。"),
    ],
)
def test_what_is_beside_a_thing(slots: dict[str, str], english: str, chinese: str) -> None:
    room = _tracked(_TABLE, _CUP, _BOOK, _DOG)
    assert _ask(room, "scene_beside", **slots) == english
    assert _ask(room, "scene_beside", "zh", **slots) == chinese


def test_where_a_thing_stands() -> None:
    assert _ask(_tracked(_TABLE, _CUP), "scene_where", object="cup") == "I see one cup on the table, in the middle."
    assert _ask(_tracked(_TABLE, _CUP), "scene_where", "zh", object="杯子") == "我看到一个杯子在桌子上，在中间。"
    assert _ask(_tracked(_DOG), "scene_where", object="dog") == "I think I see one dog in the middle."
    far = _track("person", Box(0.8, 0.4, 0.84, 0.6))
    assert _ask(_tracked(far), "scene_where", object="person") == "I see one person on the right, far away."


@pytest.mark.parametrize(
    ("name", "thing", "english", "chinese"),
    [
        ("person", _track("person", Box(0.4, 0.2, 0.65, 0.7)), "one person in the middle.", "一个人在中间。"),
        ("chair", _track("chair", Box(0.4, 0.2, 0.65, 0.7)), "one chair in the middle.", "一把椅子在中间。"),
        ("cup", _track("cup", Box(0.4, 0.75, 0.45, 0.85)), "one cup in the middle.", "一个杯子在中间。"),
    ],
)
def test_what_is_behind_a_table_or_near_its_edge_is_neither_on_nor_under_it(
    name: str, thing: Track, english: str, chinese: str
) -> None:
    room = _tracked(_track("dining table", Box(0.1, 0.55, 0.9, 0.95)), thing)
    assert _ask(room, "scene_where", object=name) == f"I see {english}"
    assert _ask(room, "scene_where", "zh", object=name) == f"我看到{chinese}"
    assert _ask(room, "scene_beside", object="table", side="on") == "I don't see anything on the table."
    assert _ask(room, "scene_beside", object="table", side="under") == "I don't see anything under the table."


def test_a_cat_on_the_near_part_of_a_bed_is_not_under_it() -> None:
    room = _tracked(_track("bed", Box(0.1, 0.4, 0.9, 0.95)), _track("cat", Box(0.4, 0.75, 0.55, 0.93)))
    assert _ask(room, "scene_where", object="cat") == "I see one cat in the middle."
    assert _ask(room, "scene_where", "zh", object="猫") == "我看到一只猫在中间。"


def test_who_lies_close_by_is_not_far_away() -> None:
    assert _ask(_tracked(_track("person", Box(0.15, 0.6, 0.85, 0.85))), "scene_where", object="person") == (
        "I see one person in the middle."
    )


def test_what_is_doubtful_is_never_said_as_if_it_were_sure() -> None:
    weak = _tracked(_track("dog", _LEFT, 0.36, color="black"))
    assert _ask(weak, "scene_count", object="dogs") == "I think I see one dog."
    assert _ask(weak, "scene_count", "zh", object="狗") == "我好像看到一只狗。"
    assert _ask(weak, "scene_exists", "zh", object="狗") == "可能有，我好像看到一只狗。"
    assert "I'm not sure" in _ask(weak, "scene_color", object="dog")
    mixed = _tracked(_track("dog", _LEFT, 0.9, color="brown"), _track("dog", _RIGHT, 0.36, color="black"))
    assert _ask(mixed, "scene_count", object="dogs") == "I see one dog, and perhaps one more."
    assert _ask(mixed, "scene_exists", object="dogs") == "Yes, I see one dog, and perhaps one more."
    assert _ask(mixed, "scene_exists", "zh", object="狗") == "有，我看到一只狗，可能还有一只。"
    assert _ask(mixed, "scene_where", object="dog") == "I see one dog on the left. Perhaps one more on the right."
    assert _ask(mixed, "scene_where", "zh", object="狗") == "我看到一只狗在左边。可能还有一只在右边。"
    assert _ask(mixed, "scene_color", object="dogs") == "I think I see a brown dog and a black dog."
    assert _ask(mixed, "scene_color", "zh", object="狗") == "我好像看到一只棕色的狗和一只黑色的狗。"


def test_where_several_are() -> None:
    left, right = Box(0.05, 0.1, 0.15, 0.3), Box(0.85, 0.1, 0.95, 0.3)
    together = _tracked(_track("cup", left), _track("cup", Box(0.05, 0.6, 0.15, 0.8)))
    assert _ask(together, "scene_where", object="cups") == "I see two cups on the left."
    apart = _tracked(_track("cup", left), _track("cup", left), _track("cup", right))
    assert _ask(apart, "scene_where", object="cups") == "I see three cups, two on the left and one on the right."
    places = (left, right, Box(0.45, 0.1, 0.55, 0.3), Box(0.45, 0.41, 0.5, 0.51))
    everywhere = _tracked(_TABLE, *(_track("cup", place) for place in places))
    assert _ask(everywhere, "scene_where", object="cups") == "I see four cups, one of them on the left."
    assert _ask(everywhere, "scene_where", "zh", object="杯子") == "我看到四个杯子，其中一个在左边。"


def test_the_color_of_a_thing() -> None:
    assert _ask(_tracked(_CUP), "scene_color", object="cup") == "The cup looks red."
    assert _ask(_tracked(_CUP), "scene_color", "zh", object="杯子") == "杯子看起来是红色的。"
    both = _tracked(_CUP, _track("cup", _RIGHT, color="blue"))
    assert _ask(both, "scene_color", object="cups") == "I see a red cup and a blue cup."
    assert _ask(both, "scene_color", "zh", object="杯子") == "我看到一个红色的杯子和一个蓝色的杯子。"
    assert "can't make out" in _ask(_tracked(_TABLE), "scene_color", object="table")
    assert "unicorn" in _ask(_tracked(_CUP), "scene_color", object="unicorn")


def test_who_is_there() -> None:
    person = _track("person", _LEFT)
    assert _ask(_tracked(), "scene_who") == "I don't see anyone."
    assert _ask(_tracked(person, faces=2), "scene_who") == "I see two people, but I don't know who that is."
    assert _ask(_tracked(person), "scene_who", "zh") == "好像有一个人，但是看不到脸。"
    doubtful = _track("person", _RIGHT, 0.36)
    assert (
        _ask(_tracked(person, doubtful, faces=1), "scene_who")
        == "I see one person, and perhaps one more, but I don't know who that is."
    )
    anna = replace(person, name="Anna", name_sure=True)
    assert (
        _ask(_tracked(anna, doubtful, faces=1), "scene_who") == "I see Anna and perhaps one more person I don't know."
    )
    assert _ask(_tracked(anna, doubtful, faces=1), "scene_who", "zh") == "我看到Anna，可能还有一个人我不认识。"


_COUCH = _track("couch", Box(0.55, 0.4, 0.95, 0.9))
_CAT = _track("cat", Box(0.65, 0.3, 0.75, 0.6))


def test_what_is_asked_about_a_surface_is_answered_about_that() -> None:
    room = _tracked(_TABLE, _CUP, _COUCH, _CAT, _track("cup", Box(0.02, 0.8, 0.08, 0.9)))
    cup, cat = {"object": "cup"}, {"object": "cat"}
    assert _ask(room, "scene_count", **cup) == "I see two cups."
    assert _ask(room, "scene_count", **cup, surface="table") == "I see one cup on the table."
    assert _ask(room, "scene_exists", **cat, surface="sofa") == "Yes, I see one cat on the couch."
    assert _ask(room, "scene_exists", **cup, surface="sofa") == "No, I don't see any cups on the couch."
    assert _ask(room, "scene_exists", **cup, surface="bed") == "I don't see any beds."
    assert _ask(room, "scene_count", "zh", object="杯子", surface="桌子") == "我看到桌子上有一个杯子。"
    assert _ask(room, "scene_exists", "zh", object="猫", surface="沙发") == "有，我看到沙发上有一只猫。"
    assert _ask(room, "scene_exists", "zh", object="杯子", surface="沙发") == "没有，我没看到沙发上有杯子。"
    doubtful = _tracked(_TABLE, _CUP, replace(_BOOK, label="cup", confidence=0.4))
    assert _ask(doubtful, "scene_count", **cup, surface="table") == "I see one cup, and perhaps one more, on the table."


def test_whether_people_sit_on_something_is_left_open() -> None:
    room = _tracked(_COUCH, _track("person", Box(0.6, 0.1, 0.8, 0.7)))
    asked = {"object": "person", "surface": "sofa"}
    assert _ask(room, "scene_exists", **asked) == "I see one person, but whether on the couch, I can't tell."
    assert _ask(room, "scene_exists", "zh", object="人", surface="沙发") == "我看到一个人，但是看不出是不是在沙发上。"
    assert _ask(_tracked(_COUCH), "scene_exists", **asked) == "No, I don't see any people on the couch."


def test_of_places_that_the_camera_cannot_know_it_tells_what_it_sees() -> None:
    here = {"object": "cat", "elsewhere": "true"}
    only = "I can only see what is in front of the camera."
    assert _ask(_tracked(_CAT), "scene_exists", **here) == f"{only} I see one cat."
    assert _ask(_tracked(), "scene_exists", **here) == f"{only} I don't see any cats."
    assert _ask(_tracked(_DOG), "scene_count", object="dogs", elsewhere="true") == f"{only} I think I see one dog."
    chinese = _ask(_tracked(), "scene_exists", "zh", object="人", elsewhere="true")
    assert chinese == "我只能看到摄像头拍到的地方。我没看到人。"
    assert _ask(_tracked(), "scene_who", elsewhere="true") == f"{only} I don't see anyone."


def test_what_may_be_on_a_surface_or_before_it_is_neither_affirmed_nor_denied() -> None:
    deep = _track("cat", Box(0.65, 0.6, 0.8, 0.7))
    asked = {"object": "cat", "surface": "sofa"}
    assert _ask(_tracked(_COUCH, deep), "scene_exists", **asked) == (
        "I see one cat, but whether on the couch, I can't tell."
    )
    both = "Yes, I see one cat, and perhaps one more, on the couch."
    assert _ask(_tracked(_COUCH, _CAT, deep), "scene_exists", **asked) == both
    under_it = _tracked(_TABLE, _track("dog", Box(0.45, 0.8, 0.6, 0.98)))
    assert _ask(under_it, "scene_exists", object="dog", surface="table") == "No, I don't see any dogs on the table."


def test_who_is_on_something_is_left_open() -> None:
    room = _tracked(_COUCH, _track("person", _LEFT, name="Anna", name_sure=True))
    assert _ask(room, "scene_who", surface="sofa") == "I see Anna. I can't tell whether they are on the couch."
    assert _ask(room, "scene_who", "zh", surface="沙发") == "我看到Anna。看不出是不是在沙发上。"
    assert _ask(_tracked(_COUCH), "scene_who", surface="sofa") == "I don't see anyone."


def test_in_the_dark_no_surface_is_denied_either() -> None:
    dark = _after_the_light_went(11, faces=1)
    assert _ask(dark, "scene_exists", object="person", surface="sofa") == "It's too dark to see anything."


def _after_the_light_went(level: int, *found: Detection, faces: int = 0) -> GivenSenses:
    """The scene as it is remembered: a light room, then a black one, then one of this gray level."""
    memory, motion = SceneMemory(min_confidence=0.35), MotionGate()
    for at_s, gray in enumerate((120, 5, level, level)):
        seen = tuple(Face(_LEFT, 0.9) for _ in range(faces))
        frame = VideoFrame(at_s, flat_picture(gray))
        scene, _ = memory.update(SceneState(at_s, found, seen, frame=frame), motion.look(frame.pixels))
    return GivenSenses(scene, {"en": SceneCaption(0.0, "I don't see anything that I recognize.", "en", 0.0, 0.0)})


@pytest.mark.parametrize(
    ("level", "found"),
    [
        (23, Detection("person", 0.9, _LEFT)),  # nearly light again, and the detector sees someone
        (11, Detection("dog", 0.22, _LEFT)),  # dark, and the detector sees what is none
    ],
)
def test_in_the_dark_it_does_not_say_that_nothing_is_there(level: int, found: Detection) -> None:
    dark = _after_the_light_went(level, found)
    for intent in ("scene_describe", "scene_count", "scene_exists", "scene_where", "scene_who"):
        assert _ask(dark, intent, object="person") == "It's too dark to see anything."
    assert _ask(dark, "scene_who", "zh") == "太暗了，我什么都看不清。"


def test_a_face_in_the_dark_is_seen_and_nothing_else_is_denied() -> None:
    dark = _after_the_light_went(11, faces=1)
    assert _ask(dark, "scene_exists", object="person") == "Yes, I see one person."
    assert _ask(dark, "scene_exists", object="dog") == "It's too dark to see anything."


def test_when_it_is_light_again_it_sees() -> None:
    light = _after_the_light_went(60, Detection("person", 0.9, _LEFT))
    assert _ask(light, "scene_exists", object="person") == "Yes, I see one person."


def test_whether_something_was_there_is_answered_from_what_has_happened() -> None:
    def seen(*things: Track, happened: tuple[SceneChange, ...] = (), language: str = "en", **slots: str) -> str:
        senses = _tracked(*things)
        senses.current_scene = replace(senses.current_scene, at_s=100.0)
        senses.changes = list(happened)
        return _ask(senses, "scene_seen", language, age_s=100.0, **slots)

    gone = SceneChange(40.0, "vanished", "cat", 0.9), SceneChange(70.0, "appeared", "cup", 0.9)
    assert seen(_CAT, object="cat", happened=gone) == "Yes, I see one cat."
    assert seen(object="cat", happened=gone) == "One minute ago, a cat disappeared."
    assert seen(object="猫", happened=gone, language="zh") == "一分钟前，一只猫不见了。"
    sofa = {"object": "cat", "surface": "sofa"}
    assert seen(_CAT, happened=gone, **sofa) == "I see one cat. Whether on the couch, I can't tell."
    assert seen(_CAT, happened=gone, language="zh", **sofa) == "我看到一只猫。是不是在沙发上，我说不准。"
    assert seen(happened=gone, **sofa) == "One minute ago, a cat disappeared. Whether on the couch, I can't tell."
    never = "I haven't seen any cats since I began to look, one minute and forty seconds ago."
    assert seen(object="cat", happened=gone[1:]) == never
    assert seen(object="猫", language="zh") == "我从一分钟四十秒前开始看，到现在没看到过猫。"


def test_whoever_asks_who_was_there_does_not_mean_themselves() -> None:
    me = _track("person", _LEFT)
    senses = _tracked(me)
    only = "I can only see what is in front of the camera."
    door = {"object": "person", "elsewhere": "true"}
    assert _ask(senses, "scene_seen", **door, age_s=5.0) == f"{only} I see one person."
    senses.changes = [SceneChange(0.0, "came", "person", 0.9, 1, None, "Anna", True)]
    assert _ask(senses, "scene_seen", **door, age_s=60.0) == f"{only} One minute ago, Anna came."
    assert _ask(senses, "scene_seen", "zh", **door, age_s=60.0) == "我只能看到摄像头拍到的地方。一分钟前，Anna来了。"


_SCENE_INTENTS = [
    "scene_describe",
    "scene_count",
    "scene_exists",
    "scene_where",
    "scene_beside",
    "scene_color",
    "scene_who",
    "scene_seen",
]


@pytest.mark.parametrize("intent", _SCENE_INTENTS)
@pytest.mark.parametrize(("language", "cannot"), [("en", "I can't see right now"), ("zh", "看不见")])
@pytest.mark.parametrize("stage", ["camera", "vision"])
def test_blind_it_says_what_it_cannot_do(intent: str, language: str, cannot: str, stage: str) -> None:
    blind = _seeing(*_TWO_DOGS)
    blind.broken = {stage: "It does not work."}
    assert cannot in _ask(blind, intent, language, object="dog")


@pytest.mark.parametrize("intent", _SCENE_INTENTS)
def test_before_the_first_picture_it_says_so(intent: str) -> None:
    assert "I haven't seen anything yet." in _ask(GivenSenses(), intent, object="dog")
