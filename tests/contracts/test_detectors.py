"""What every network that looks at pictures must keep to, over the registries."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.config import Config
from assistant.events import VideoFrame
from assistant.registry import resolve
from assistant.vision import DETECTORS, FACE_DETECTORS, TAGGERS

pytestmark = pytest.mark.models

_SIZES = [(1, 1), (1, 3000), (2000, 3), (33, 47), (1080, 1920)]


def _pictures():
    rng = np.random.default_rng(11)
    for height, width in _SIZES:
        yield VideoFrame(0.0, rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
    yield VideoFrame(0.0, np.zeros((90, 160, 3), np.uint8))
    yield VideoFrame(0.0, np.full((90, 160, 3), 255, np.uint8))


def _assert_inside(box):
    assert 0.0 <= box.x0 <= box.x1 <= 1.0
    assert 0.0 <= box.y0 <= box.y1 <= 1.0


def _assert_falling(confidences):
    assert all(0.0 <= confidence <= 1.0 for confidence in confidences)
    assert confidences == sorted(confidences, reverse=True)


@pytest.fixture(params=DETECTORS)
def detector(request, model_store):
    return resolve(DETECTORS, request.param, kind="object detector").create(Config(), model_store)


@pytest.fixture(params=FACE_DETECTORS)
def face_detector(request, model_store):
    return resolve(FACE_DETECTORS, request.param, kind="face detector").create(Config(), model_store)


@pytest.fixture(params=TAGGERS)
def tagger(request, model_store):
    return resolve(TAGGERS, request.param, kind="scene tagger").create(Config(), model_store)


def test_detectors(detector):
    for frame in _pictures():
        before = frame.pixels.copy()
        found = detector.detect(frame)
        assert found == detector.detect(frame)
        np.testing.assert_array_equal(frame.pixels, before)
        _assert_falling([item.confidence for item in found])
        for item in found:
            assert item.label in detector.labels
            assert item.confidence >= Config().vision.min_confidence
            _assert_inside(item.box)


def test_face_detectors(face_detector):
    for frame in _pictures():
        before = frame.pixels.copy()
        found = face_detector.detect(frame)
        assert found == face_detector.detect(frame)
        np.testing.assert_array_equal(frame.pixels, before)
        _assert_falling([face.confidence for face in found])
        for face in found:
            _assert_inside(face.box)
            assert len(face.keypoints) in (0, 6)


def test_taggers(tagger):
    for frame in _pictures():
        before = frame.pixels.copy()
        tags = tagger.tag(frame)
        assert tags == tagger.tag(frame)
        np.testing.assert_array_equal(frame.pixels, before)
        _assert_falling([tag.confidence for tag in tags])
        assert all(tag.label for tag in tags)
