"""What every reader of text must keep to, over the registry, on signs that are tilted, blurred and noisy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.config import Config
from assistant.errors import ModelError
from assistant.events import VideoFrame
from assistant.models.store import ModelStore
from assistant.registry import resolve
from assistant.vision import TEXT_READERS
from assistant.vision.pictures import read_picture

_WRITTEN = Path(__file__).parents[1] / "vision" / "written"
_SIGNS = {
    "sign_en.jpg": ["PUSH TO OPEN", "Deliveries at rear"],
    "sign_zh.jpg": ["小心地滑", "请勿吸烟"],
    "label_both.jpg": ["鲜牛奶 Milk", "2.5 L"],
}


pytestmark = pytest.mark.models


@pytest.fixture(params=TEXT_READERS, scope="module")
def reader(request):
    return resolve(TEXT_READERS, request.param, kind="text reader").create(Config(), ModelStore())


@pytest.mark.parametrize("sign", _SIGNS)
def test_it_reads_signs_line_by_line(reader, sign, capfd):
    frame = VideoFrame(0.0, read_picture(_WRITTEN / sign))
    before = frame.pixels.copy()
    lines = reader.read(frame)
    assert [line.text for line in lines] == _SIGNS[sign]
    assert reader.languages == {"en", "zh"}
    for line, below in zip(lines, [*lines[1:], None], strict=True):
        assert 0.7 <= line.confidence <= 1.0
        assert 0.1 < line.box.x0 < line.box.x1 < 0.9
        assert 0.1 < line.box.y0 < line.box.y1 < 0.9
        assert below is None or line.box.center[1] < below.box.center[1]
    np.testing.assert_array_equal(frame.pixels, before)
    # What somebody has read to them is nobody else's business.
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (5000, 20), (23, 400), (33, 47), (90, 160)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_it_reads_nothing_where_nothing_is_written(reader, size, level):
    assert reader.read(VideoFrame(0.0, np.full((*size, 3), level, np.uint8))) == []


def test_it_reads_nothing_in_noise_and_in_a_huge_picture(reader):
    noise = np.random.default_rng(5).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert reader.read(VideoFrame(0.0, noise)) == []
    assert reader.read(VideoFrame(0.0, np.full((6000, 8000, 3), 90, np.uint8))) == []


def test_what_its_library_raises_is_a_model_error_that_names_the_picture(reader):
    with pytest.raises(ModelError, match=r"wall\.png"):
        reader.read(VideoFrame(0.0, np.full((480, 640, 3), "?"), "wall.png"))


def test_on_photographs_it_reads_what_is_there_and_no_more(reader, model_store):
    read = {}
    for name in ("astronaut.png", "coffee.png", "chelsea.png", "coins.png", "motorcycle_left.png"):
        frame = VideoFrame(0.0, read_picture(model_store.file("sample-pictures", name)))
        read[name] = [line.text for line in reader.read(frame)]
    assert read == {
        "astronaut.png": [],
        "coffee.png": [],
        "chelsea.png": [],
        "coins.png": [],
        "motorcycle_left.png": ["YAMAHA"],
    }
