"""Variations keep what they are variations of."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.emotion.prosody import analyse
from export.train.augment import vary_audio, vary_image, vary_text
from tests.doubles.speech_like import speech_like


def test_audio_stays_speech_of_nearly_the_same_pitch() -> None:
    plain = speech_like()
    before = analyse(plain, 16_000)
    assert before is not None
    for seed in range(8):
        varied = vary_audio(plain, 16_000, np.random.default_rng(seed))
        assert varied.dtype == np.float32
        assert np.abs(varied).max() <= 1.0
        assert not np.array_equal(varied, plain)
        after = analyse(varied, 16_000)
        assert after is not None
        assert after.vector[0] == pytest.approx(before.vector[0], abs=0.25)  # octaves


@pytest.mark.parametrize("length", [0, 1, 50])
def test_audio_of_hardly_any_length(length: int) -> None:
    for seed in range(8):
        assert len(vary_audio(np.zeros(length, np.float32), 16_000, np.random.default_rng(seed))) <= length + 5


def test_an_image_keeps_its_shape_and_some_of_its_light() -> None:
    picture = np.random.default_rng(0).integers(60, 200, (40, 30, 3), dtype=np.uint8)
    for seed in range(8):
        varied = vary_image(picture, np.random.default_rng(seed))
        assert varied.shape == picture.shape and varied.dtype == np.uint8
        assert 40 < varied.mean() < 230


def test_text_loses_few_words_and_never_all() -> None:
    rng = np.random.default_rng(0)
    varied = [vary_text("I am so very happy about all of this today", rng) for _ in range(50)]
    assert any(text != varied[0] for text in varied)
    assert all(5 <= len(text.split()) <= 10 for text in varied)
    assert all(vary_text("no", rng) == "no" for _ in range(30))


def test_chinese_is_varied_by_character() -> None:
    rng = np.random.default_rng(1)
    varied = {vary_text("我今天非常高兴因为天气好", rng) for _ in range(20)}
    assert len(varied) > 5
    assert all(set(text) <= set("我今天非常高兴因为天气好") and " " not in text for text in varied)
