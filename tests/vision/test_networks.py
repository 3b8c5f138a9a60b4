"""The real networks on photographs: what is known to be in them."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from assistant.cli import app
from assistant.config import Config, VisionConfig
from assistant.events import Box, Detection, Face, SceneState, VideoFrame
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.vision.draw import draw_scene
from assistant.vision.pictures import read_picture, write_picture
from assistant.vision.scene import SceneReader

PICTURES = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "flower.jpg", "horse.png")


@pytest.fixture(scope="module")
def scenes(model_store):
    reader = SceneReader.create(Config(vision=VisionConfig(tagger="efficientnet")), model_store)
    found = {}
    for name in PICTURES:
        frame = VideoFrame(0.0, read_picture(model_store.file("sample-pictures", name)), name)
        found[name] = reader.read(frame)
    return found


@pytest.mark.models
def test_objects(scenes):
    best = {name: scene.objects[0].label for name, scene in scenes.items() if scene.objects}
    assert best["astronaut.png"] == best["camera.png"] == "person"
    assert best["coffee.png"] == "cup"
    assert best["horse.png"] == "horse"


@pytest.mark.models
def test_faces_are_found_where_they_are_and_nowhere_else(scenes):
    counts = {name: len(scene.faces) for name, scene in scenes.items()}
    assert counts == {name: int(name in ("astronaut.png", "camera.png")) for name in PICTURES}
    [face] = scenes["astronaut.png"].faces
    # The astronaut's eyes are at (193, 115) and (245, 113) of 512 px, measured by hand.
    np.testing.assert_allclose(np.array(face.keypoints[:2]) * 512, [(193, 115), (245, 113)], atol=14)
    assert face.box.x0 < face.keypoints[2][0] < face.box.x1


@pytest.mark.models
def test_face_boxes_survive_the_letterbox(model_store):
    """The same face in a wide picture is at the same place in it."""
    reader = SceneReader.create(Config(), model_store)
    portrait = read_picture(model_store.file("sample-pictures", "astronaut.png"))
    wide = np.zeros((512, 1024, 3), np.uint8)
    wide[:, 512:] = portrait
    [alone], [beside] = (reader.faces.detect(VideoFrame(0.0, pixels)) for pixels in (portrait, wide))
    assert beside.box.x0 == pytest.approx(0.5 + alone.box.x0 / 2, abs=0.02)
    assert beside.box.y0 == pytest.approx(alone.box.y0, abs=0.02)


@pytest.mark.models
def test_tags(scenes):
    assert scenes["coffee.png"].tags[0].label == "espresso"
    assert "cat" in scenes["chelsea.png"].tags[0].label


@pytest.mark.models
def test_see_prints_a_caption_and_writes_boxes(model_store, tmp_path):
    photo = str(model_store.file("sample-pictures", "astronaut.png"))
    result = CliRunner().invoke(app, ["see", photo, "--out", str(tmp_path), "--language", "zh"])
    assert result.exit_code == 0, result.output
    assert "我看到一个面朝我的人。" in result.output
    boxed = cv2.imread(str(tmp_path / "astronaut.boxed.png"))
    assert boxed.shape == (512, 512, 3)
    assert (boxed[:, :, ::-1] != read_picture(model_store.file("sample-pictures", "astronaut.png"))).any()


@pytest.mark.models
def test_see_prints_json(model_store, tmp_path):
    write_picture(tmp_path / "dot.png", np.zeros((1, 1, 3), np.uint8))
    photos = [str(model_store.file("sample-pictures", "coffee.png")), str(tmp_path / "dot.png")]
    result = CliRunner().invoke(app, ["see", *photos, "--json"])
    coffee, dot = (json.loads(line) for line in result.stdout.splitlines())
    assert coffee["objects"][0]["label"] == "cup"
    assert 0 <= coffee["objects"][0]["box"][0] < coffee["objects"][0]["box"][2] <= 1
    assert dot["objects"] == dot["faces"] == []


def test_drawing_leaves_the_picture_alone_and_fits_any_size():
    box = Box(0.0, 0.0, 1.0, 1.0)
    scene = SceneState(0.0, (Detection("dog", 0.5, box),), (Face(box, 0.9, ((0.5, 0.5),)),))
    for height, width in ((1, 1), (3, 400), (300, 200)):
        pixels = np.zeros((height, width, 3), np.uint8)
        drawn = draw_scene(pixels, scene)
        assert drawn.shape == pixels.shape
        assert drawn.any()
        assert not pixels.any()


@pytest.mark.models
def test_only_the_outputs_that_are_wanted_are_computed(model_store):
    path = model_store.file("centernet", "centernet.onnx")
    feeds = {"tower_0/images": np.zeros((1, 512, 512, 3), np.float32)}
    some, every = OnnxRuntimeSession(path, outputs=("tower_0/detections",)), OnnxRuntimeSession(path)
    assert list(some.run(feeds)) == [spec.name for spec in some.outputs] == ["tower_0/detections"]
    assert len(every.run(feeds)) == 3
    np.testing.assert_array_equal(every.run(feeds)["tower_0/detections"], some.run(feeds)["tower_0/detections"])
