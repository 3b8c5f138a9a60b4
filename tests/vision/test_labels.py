import pytest

from assistant.config import Config
from assistant.events import Box, Detection, Face, SceneState
from assistant.models.store import ModelStore
from assistant.vision.coco_names import COCO_NAMES
from assistant.vision.labels import counted, label_of, name_of
from assistant.vision.things import count_of


def test_the_table_has_the_detectors_classes(tmp_path):
    assert tuple(COCO_NAMES) == ModelStore(tmp_path).manifest(Config().vision.detector).labels


@pytest.mark.parametrize("label", COCO_NAMES)
def test_every_class_is_understood_by_its_own_names_in_both_languages(label):
    for number in (1, 2):
        assert label_of(name_of(label, "en", number), "en") == label
        assert label_of(name_of(label, "zh", number), "zh") == label
        assert label_of(counted(label, "zh", number), "zh") == label
    assert all("\u4e00" <= character <= "\u9fff" for character in counted(label, "zh", 2))


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("people", "person"),
        ("Persons", "person"),
        ("anyone", "person"),
        ("the sofa", "couch"),
        ("sofas", "couch"),
        ("mice", "mouse"),
        ("TVs", "tv"),
        ("a cell phone?", "cell phone"),
        ("phones", "cell phone"),
        ("any hot dogs", "hot dog"),
        ("wine glasses", "wine glass"),
        ("knives", "knife"),
        ("unicorn", None),
        ("", None),
        ("the", None),
    ],
)
def test_english_words(word, label):
    assert label_of(word, "en") == label


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("人", "person"),
        ("几个人", "person"),
        ("一只狗", "dog"),
        ("小狗", "dog"),
        ("热狗", "hot dog"),
        ("马桶", "toilet"),
        ("马", "horse"),
        ("两张床", "bed"),
        ("多少辆汽车", "car"),
        ("手 机。", "cell phone"),
        ("河马", None),
        ("海豚", None),
        ("", None),
    ],
)
def test_chinese_words(word, label):
    assert label_of(word, "zh") == label


@pytest.mark.parametrize(
    ("label", "number", "english", "chinese"),
    [
        ("dog", 1, "one dog", "一只狗"),
        ("person", 2, "two people", "两个人"),
        ("sheep", 3, "three sheep", "三只羊"),
        ("bus", 4, "four buses", "四辆公交车"),
        ("scissors", 1, "one pair of scissors", "一把剪刀"),
        ("robot", 2, "two robot", "两个robot"),
    ],
)
def test_counted(label, number, english, chinese):
    assert counted(label, "en", number) == english
    assert counted(label, "zh", number) == chinese


def test_faces_count_as_people():
    box = Box(0.1, 0.1, 0.2, 0.2)
    objects = (Detection("person", 0.6, box), Detection("dog", 0.9, box), Detection("dog", 0.3, box))
    scene = SceneState(0.0, objects, (Face(box, 0.9), Face(box, 0.8)))
    assert count_of(scene, "person", min_confidence=0.0) == 2
    assert count_of(scene, "dog", min_confidence=0.5) == 1
    assert count_of(scene, "cat", min_confidence=0.0) == 0
