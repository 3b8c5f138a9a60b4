"""Pictures that show nothing, too much or too many: each has a clear outcome, and none is made up."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from assistant.caption.grounded import GroundedCaptioner
from assistant.config import Config
from assistant.events import VideoFrame
from assistant.vision.pictures import read_picture
from assistant.vision.scene import SceneReader

pytestmark = pytest.mark.models
NOTHING = ("I don't see anything that I recognize.", "我没有看到认得出来的东西。")


@pytest.fixture(scope="module")
def reader(model_store):
    return SceneReader.create(Config(), model_store)


def describe(reader, pixels):
    """The scene, and what is said about it in both languages."""
    scene = reader.read(VideoFrame(0.0, pixels, "test"))
    captioner = GroundedCaptioner(min_confidence=0.35, max_age_s=10.0)
    return scene, tuple(captioner.caption(scene, language, 0.0).text for language in ("en", "zh"))


def flat(level, shape=(480, 640)):
    return np.full((*shape, 3), level, np.uint8)


@pytest.mark.parametrize("pixels", [flat(128), flat(128, (1, 1)), flat(90, (1, 300)), flat(90, (300, 1))])
def test_nothing_is_seen_in_gray(reader, pixels):
    scene, said = describe(reader, pixels)
    assert scene.faces == ()
    assert all(item.confidence < 0.5 for item in scene.objects), "nothing is said without a hedge"
    assert said == NOTHING or said[0].startswith(("I think", "It looks"))


def test_black_and_white_are_named(reader):
    assert describe(reader, flat(0))[1] == ("It is too dark to see anything.", "太暗了，我什么都看不清。")
    assert describe(reader, flat(255))[1] == ("It is too bright to see anything.", "太亮了，我什么都看不清。")


def test_noise_has_no_faces_and_nothing_sure(reader):
    scene, _ = describe(reader, np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8))
    assert scene.faces == ()
    assert all(item.confidence < 0.5 for item in scene.objects)


def test_a_huge_picture_is_seen_like_a_small_one(reader, model_store):
    small = read_picture(model_store.file("sample-pictures", "astronaut.png"))
    huge = np.asarray(cv2.resize(small, (8000, 6000), interpolation=cv2.INTER_NEAREST))
    scene, said = describe(reader, huge)
    assert huge.shape == (6000, 8000, 3)
    assert len(scene.faces) == 1
    assert said[0] == "I see a person facing me."


def test_ten_faces_are_ten_people(reader, model_store):
    astronaut = read_picture(model_store.file("sample-pictures", "astronaut.png"))
    face = astronaut[20:220, 125:325]
    scene, said = describe(reader, np.ascontiguousarray(np.tile(face, (2, 5, 1))))
    assert len(scene.faces) == 10
    assert "ten people" in said[0]
    assert "十个" in said[1]


def test_a_face_on_a_poster_counts_as_a_face(reader, model_store):
    """One camera cannot tell a photograph from a person: a known limit, in docs/vision.md."""
    wall = flat(140)
    wall[100:356, 200:456] = read_picture(model_store.file("sample-pictures", "astronaut.png"))[::2, ::2]
    scene, _ = describe(reader, wall)
    assert len(scene.faces) == 1
