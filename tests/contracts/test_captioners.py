"""What every captioner must keep to, over the whole registry."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.caption import CAPTIONERS
from assistant.config import Config
from assistant.events import Box, Detection, Face, SceneState, SceneTag, VideoFrame
from assistant.models.store import ModelStore
from assistant.registry import resolve
from assistant.vision.coco_names import COCO_NAMES

_NEEDS_MODEL: frozenset[str] = frozenset()
_FRAME = VideoFrame(50.0, np.full((60, 80, 3), 90, np.uint8))


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.models] if name in _NEEDS_MODEL else []) for name in CAPTIONERS]
)
def captioner(request, tmp_path):
    store = request.getfixturevalue("model_store") if request.param in _NEEDS_MODEL else ModelStore(tmp_path)
    return resolve(CAPTIONERS, request.param, kind="captioner").create(Config(), store)


def scenes():
    """Nothing; every class once; a crowd; a tag alone."""
    yield SceneState(50.0, (), (), frame=_FRAME)
    for index, label in enumerate(COCO_NAMES):
        box = Box(index / 100, 0.1, index / 100 + 0.2, 0.8)
        yield SceneState(50.0, (Detection(label, 0.36 + index / 200, box),), (), frame=_FRAME)
    crowd = tuple(Detection("person", 0.6, Box(x / 40, 0.1, x / 40 + 0.02, 0.4)) for x in range(30))
    faces = tuple(Face(item.box, 0.9) for item in crowd[:20])
    yield SceneState(50.0, crowd, faces, (SceneTag("stage", 0.9),), frame=_FRAME)
    yield SceneState(50.0, (), (), (SceneTag("espresso", 0.9),), frame=_FRAME)


def test_speaks_a_sentence_about_every_scene_in_every_language(captioner):
    assert captioner.languages
    for language in captioner.languages:
        for scene in scenes():
            for now_s in (50.0, 75.0, 4000.0):
                caption = captioner.caption(scene, language, now_s)
                assert caption.text.endswith("。" if language == "zh" else ".")
                assert caption.language == language
                assert 0.0 <= caption.confidence <= 1.0
                assert caption.age_s == pytest.approx(now_s - scene.at_s)
                # It is spoken: no digits, brackets or symbols that a voice would stumble over.
                assert not set(caption.text) & set("0123456789()[]{}<>/%_")


def test_an_empty_scene_is_not_filled(captioner):
    empty = next(scenes())
    words = {name for names in COCO_NAMES.values() for name in (names.english, names.chinese)}
    for language in captioner.languages:
        said = captioner.caption(empty, language, 50.0).text
        assert not [word for word in words if len(word) > 1 and f" {word} " in f" {said} "]


def test_a_scene_from_the_future_is_not_old(captioner):
    """Clocks of cameras may run ahead by a hair."""
    for language in captioner.languages:
        assert captioner.caption(next(scenes()), language, 49.99).age_s == 0.0
