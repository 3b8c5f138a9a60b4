"""What the grounded captioner says, word for word."""

from dataclasses import replace

import pytest

from assistant.caption.chinese import BEGINNINGS
from assistant.caption.grounded import GroundedCaptioner
from assistant.caption.tag_classes import TAG_CLASSES
from assistant.errors import StageError
from assistant.events import Box, Detection, Face, SceneState, SceneTag, Track
from assistant.models.store import ModelStore
from assistant.vision.coco_names import COCO_NAMES

CAPTIONER = GroundedCaptioner(min_confidence=0.35, max_age_s=10.0)
LEFT, MIDDLE, RIGHT = Box(0.05, 0.3, 0.25, 0.9), Box(0.4, 0.3, 0.6, 0.9), Box(0.75, 0.3, 0.95, 0.9)
EVERYWHERE = Box(0.1, 0.1, 0.9, 0.9)


def thing(label, confidence, box):
    return Detection(label, confidence, box)


def face(box, *, turned=0.0):
    """A small face in the upper middle of a box; `turned` moves the nose by eye distances."""
    x, y = box.center
    points = ((x - 0.01, y), (x + 0.01, y), (x + turned * 0.02, y + 0.01))
    return Face(Box(x - 0.025, y - 0.025, x + 0.025, y + 0.025), 0.9, points)


def scene(*objects, faces=(), tags=()):
    return SceneState(100.0, objects, tuple(faces), tuple(tags))


CASES = {
    "empty": (scene(), "I don't see anything that I recognize.", "我没有看到认得出来的东西。"),
    "too weak": (
        scene(thing("dog", 0.3, LEFT)),
        "I don't see anything that I recognize.",
        "我没有看到认得出来的东西。",
    ),
    "sure": (scene(thing("dog", 0.8, LEFT)), "I see a dog on the left.", "我看到左边有一只狗。"),
    "doubtful": (
        scene(thing("dog", 0.4, LEFT)),
        "I think there is a dog on the left.",
        "我觉得左边有一只狗。",
    ),
    "vowel": (scene(thing("elephant", 0.8, EVERYWHERE)), "I see an elephant.", "我看到一头大象。"),
    "plural": (
        scene(thing("cup", 0.8, LEFT), thing("cup", 0.7, RIGHT), thing("couch", 0.6, EVERYWHERE)),
        "I see two cups and a couch.",
        "我看到两个杯子和一张沙发。",
    ),
    "people first": (
        scene(thing("dog", 0.9, LEFT), thing("person", 0.6, RIGHT)),
        "I see a person on the right and a dog on the left.",
        "我看到左边有一只狗，右边有一个人。",
    ),
    "face without a body": (
        scene(faces=[face(MIDDLE)]),
        "I see a person in the middle facing me.",
        "我看到中间有一个面朝我的人。",
    ),
    "profile": (
        scene(thing("person", 0.9, MIDDLE), faces=[face(MIDDLE, turned=0.8)]),
        "I see a person in the middle.",
        "我看到中间有一个人。",
    ),
    "face makes a doubtful person sure": (
        scene(thing("person", 0.4, LEFT), faces=[face(LEFT)]),
        "I see a person on the left facing me.",
        "我看到左边有一个面朝我的人。",
    ),
    "some face the camera": (
        scene(thing("person", 0.9, LEFT), thing("person", 0.8, RIGHT), faces=[face(LEFT)]),
        "I see two people. One of the people is facing me.",
        "我看到两个人。其中一个面朝我。",
    ),
    "more of a kind, less surely": (
        scene(thing("dog", 0.8, LEFT), thing("dog", 0.4, RIGHT)),
        "I see a dog on the left. I think there is another dog on the right.",
        "我看到左边有一只狗。我觉得右边还有一只狗。",
    ),
    "more of one kind and something else": (
        scene(thing("car", 0.8, MIDDLE), thing("car", 0.4, RIGHT), thing("bus", 0.45, LEFT)),
        "I see a car in the middle. I think there is a bus on the left and another car on the right.",
        "我看到中间有一辆汽车。我觉得左边有一辆公交车，右边还有一辆汽车。",
    ),
    "a speck is never sure": (
        scene(thing("bird", 0.7, Box(0.5, 0.5, 0.52, 0.52))),
        "I think there is a bird in the middle.",
        "我觉得中间有一只鸟。",
    ),
    "tag": (
        scene(thing("cup", 0.45, MIDDLE), tags=[SceneTag("espresso", 0.9)]),
        "I think there is a cup in the middle. It looks like an espresso.",
        "我觉得中间有一个杯子。",
    ),
    "tag against a doubtful detection": (
        scene(thing("dog", 0.48, EVERYWHERE), tags=[SceneTag("Egyptian cat", 0.78)]),
        "It looks like an Egyptian cat.",
        "看起来像一只猫。",
    ),
    "tag of a breed": (
        scene(tags=[SceneTag("golden retriever", 0.8)]),
        "It looks like a golden retriever.",
        "看起来像一只狗。",
    ),
    "tag beside a doubtful detection of another sort": (
        scene(thing("couch", 0.48, EVERYWHERE), tags=[SceneTag("Egyptian cat", 0.78)]),
        "I think there is a couch. It looks like an Egyptian cat.",
        "我觉得有一张沙发。看起来像一只猫。",
    ),
    "tag of what is mentioned": (
        scene(thing("cat", 0.8, EVERYWHERE), tags=[SceneTag("Egyptian cat", 0.78)]),
        "I see a cat. It looks like an Egyptian cat.",
        "我看到一只猫。",
    ),
    "tag that is what is mentioned": (
        scene(thing("banana", 0.48, EVERYWHERE), tags=[SceneTag("banana", 0.78)]),
        "I think there is a banana.",
        "我觉得有一根香蕉。",
    ),
    "tag whose last word deceives": (
        scene(thing("dog", 0.4, LEFT), tags=[SceneTag("Madagascar cat", 0.9)]),
        "I think there is a dog on the left. It looks like a Madagascar cat.",
        "我觉得左边有一只狗。",
    ),
    "a passenger car runs on rails": (
        scene(thing("train", 0.4, EVERYWHERE), tags=[SceneTag("passenger car", 0.9)]),
        "I think there is a train. It looks like a passenger car.",
        "我觉得有一列火车。",
    ),
    "a Dutch oven is a pot": (
        scene(thing("bowl", 0.4, LEFT), tags=[SceneTag("Dutch oven", 0.9)]),
        "I think there is a bowl on the left. It looks like a Dutch oven.",
        "我觉得左边有一个碗。",
    ),
    "a custard apple is none": (
        scene(tags=[SceneTag("custard apple", 0.9)]),
        "It looks like a custard apple.",
        "我没有看到认得出来的东西。",
    ),
    "unsure tag": (
        scene(tags=[SceneTag("bobsled", 0.22)]),
        "I don't see anything that I recognize.",
        "我没有看到认得出来的东西。",
    ),
    "tag with a person": (
        scene(thing("person", 0.9, LEFT), tags=[SceneTag("tripod", 0.95)]),
        "I see a person on the left.",
        "我看到左边有一个人。",
    ),
}


def followed(*tracks, brightness=0.5):
    """A scene whose things are followed; the picture of the moment shows none of them."""
    return SceneState(100.0, (), (), tracks=tracks, brightness=brightness)


def track(label, box, confidence=0.8, *, color="", confirmed=True):
    return Track(1, label, confidence, box, 90.0, 100.0, confirmed, color)


TABLE = track("dining table", Box(0.1, 0.5, 0.9, 0.95))
CUP_ON_TABLE = track("cup", Box(0.3, 0.4, 0.38, 0.55), color="orange")

CASES |= {
    "what is followed is there although this picture does not show it": (
        followed(track("dog", LEFT)),
        "I see a dog on the left.",
        "我看到左边有一只狗。",
    ),
    "color and surface": (
        followed(TABLE, CUP_ON_TABLE),
        "I see a table and an orange cup on it.",
        "我看到一张桌子，桌子上有一个橙色的杯子。",
    ),
    "who is behind a table, and a chair there": (
        followed(TABLE, track("person", Box(0.4, 0.2, 0.65, 0.7), 0.9), track("chair", Box(0.15, 0.3, 0.3, 0.7))),
        "I see a person in the middle, a chair on the left and a table.",
        "我看到一张桌子，左边有一把椅子，中间有一个人。",
    ),
    "no color of what is not sure, nor of several": (
        followed(
            track("cup", LEFT, 0.4, color="red"), track("book", LEFT, color="red"), track("book", RIGHT, color="blue")
        ),
        "I see two books. I think there is a cup on the left.",
        "我看到两本书。我觉得左边有一个杯子。",
    ),
    "seen once": (
        followed(track("dog", LEFT, 0.6, confirmed=False)),
        "I think there is a dog on the left.",
        "我觉得左边有一只狗。",
    ),
    "dark": (followed(brightness=0.02), "It is too dark to see anything.", "太暗了，我什么都看不清。"),
    "the dusk after the dark": (
        replace(followed(brightness=0.09), dark=True),
        "It is too dark to see anything.",
        "太暗了，我什么都看不清。",
    ),
    "glare": (followed(brightness=0.99), "It is too bright to see anything.", "太亮了，我什么都看不清。"),
    "dark with a lit dog": (
        followed(track("dog", LEFT), brightness=0.02),
        "I see a dog on the left.",
        "我看到左边有一只狗。",
    ),
}


ANNA_LIES = Box(0.1, 0.55, 0.7, 0.85)
"""Her face is in the lower half, where the names of bodies are not looked for."""
ANNAS_FACE = replace(face(Box(0.1, 0.7, 0.2, 0.84)), name="Anna", name_sure=True)
CASES |= {
    "a face with a name and its body without": (
        replace(followed(track("person", ANNA_LIES)), faces=(ANNAS_FACE,)),
        "I see Anna.",
        "我看到Anna。",
    ),
    "a face with a name in a picture by itself": (
        scene(thing("person", 0.4, ANNA_LIES), faces=[ANNAS_FACE]),
        "I see Anna.",
        "我看到Anna。",
    ),
    "a stranger behind who has a name": (
        replace(followed(track("person", ANNA_LIES), track("person", Box(0.05, 0.1, 0.3, 0.9))), faces=(ANNAS_FACE,)),
        "I see Anna and another person on the left.",
        "我看到Anna，左边还有一个人。",
    ),
    "a stranger before whom someone with a name and a body stands": (
        replace(
            followed(
                replace(track("person", Box(0.0, 0.6, 0.3, 1.0)), name="Anna", name_sure=True),
                track("person", Box(0.05, 0.1, 0.3, 0.9)),
            ),
            faces=(ANNAS_FACE,),
        ),
        "I see Anna and another person on the left.",
        "我看到Anna，左边还有一个人。",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_captions(case):
    state, english, chinese = CASES[case]
    assert CAPTIONER.caption(state, "en", 101.0).text == english
    assert CAPTIONER.caption(state, "zh", 101.0).text == chinese


OLD = {
    "sure": ("Forty seconds ago I saw a dog on the left.", "四十秒前，我看到左边有一只狗。"),
    "doubtful": ("Forty seconds ago I think I saw a dog on the left.", "四十秒前，我觉得左边有一只狗。"),
    "empty": ("Forty seconds ago I did not see anything that I recognize.", "四十秒前，我没有看到认得出来的东西。"),
    "tag against a doubtful detection": (
        "Forty seconds ago it looked like an Egyptian cat.",
        "四十秒前，看起来像一只猫。",
    ),
    "some face the camera": (
        "Forty seconds ago I saw two people. One of the people was facing me.",
        "四十秒前，我看到两个人。其中一个面朝我。",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_in_chinese_it_begins_as_the_voice_was_told(case):
    assert CASES[case][2].startswith(BEGINNINGS)


@pytest.mark.parametrize("case", OLD)
def test_an_old_scene_is_named_as_old(case):
    state = CASES[case][0]
    assert (CAPTIONER.caption(state, "en", 140.0).text, CAPTIONER.caption(state, "zh", 140.0).text) == OLD[case]
    assert CAPTIONER.caption(state, "en", 140.0).age_s == pytest.approx(40.0)


def test_age_begins_to_be_named_after_the_limit():
    state = CASES["sure"][0]
    assert CAPTIONER.caption(state, "en", 110.0).text == CASES["sure"][1]
    assert "ago" in CAPTIONER.caption(state, "en", 110.5).text


def test_confidence_is_that_of_what_is_said():
    assert CAPTIONER.caption(CASES["sure"][0], "en", 101.0).confidence == pytest.approx(0.8)
    assert CAPTIONER.caption(CASES["empty"][0], "en", 101.0).confidence == 0.0


def test_the_classes_of_tags_are_the_taggers_and_the_detectors(tmp_path):
    tagger = ModelStore(tmp_path).manifest("efficientnet-lite0")
    assert set(TAG_CLASSES) <= set(tagger.labels)
    assert set(TAG_CLASSES.values()) <= set(COCO_NAMES)


def test_unknown_language_is_an_error_not_a_sentence():
    with pytest.raises(StageError, match="fr"):
        CAPTIONER.caption(scene(), "fr", 101.0)
