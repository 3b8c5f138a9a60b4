import numpy as np
import pytest

from assistant.events import Box
from assistant.vision.preprocess import letterbox, moderate, non_maximum_suppression, square_crop, to_box

RNG = np.random.default_rng(3)


@pytest.mark.parametrize(("height", "width"), [(100, 200), (200, 100), (64, 64), (1, 1), (1, 5000), (3000, 2)])
def test_letterbox_keeps_proportions_and_maps_back(height, width):
    square = letterbox(np.full((height, width, 3), 200, np.uint8), 64)
    assert square.pixels.shape == (64, 64, 3)
    bright = np.argwhere(square.pixels[:, :, 0] > 100)
    top_left, bottom_right = bright.min(axis=0)[::-1], bright.max(axis=0)[::-1] + 1
    np.testing.assert_allclose(square.to_fractions(np.array([top_left, bottom_right])), [[0, 0], [1, 1]], atol=0.01)
    assert (square.pixels == 0).any() == (height != width)


def test_crop_inside_the_picture_is_the_region_around_the_box():
    pixels = RNG.integers(0, 255, (40, 40, 3), dtype=np.uint8)
    crop = square_crop(pixels, Box(0.375, 0.375, 0.625, 0.625), 20, scale=2.0)
    np.testing.assert_array_equal(crop, pixels[10:30, 10:30])


def test_crop_beyond_the_picture_repeats_its_edge():
    pixels = RNG.integers(0, 255, (20, 20, 3), dtype=np.uint8)
    crop = square_crop(pixels, Box(0.0, 0.0, 1.0, 1.0), 40, scale=2.0)
    np.testing.assert_array_equal(crop[10:30, 10:30], pixels)
    np.testing.assert_array_equal(crop[:10, 10:30], np.repeat(pixels[:1], 10, axis=0))
    np.testing.assert_array_equal(crop[10:30, 30:], np.repeat(pixels[:, -1:], 10, axis=1))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 20000), (20000, 1), (7, 3)])
@pytest.mark.parametrize("box", [Box(0, 0, 1, 1), Box(0.9, 0.9, 1, 1), Box(0.5, 0.5, 0.5, 0.5), Box(0, 0, 0.001, 1)])
def test_crop_of_odd_pictures_has_the_wanted_size(height, width, box):
    crop = square_crop(np.full((height, width, 3), 9, np.uint8), box, 32, scale=1.5)
    assert crop.shape == (32, 32, 3)
    assert (crop == 9).all()


def test_weaker_overlapping_boxes_go_and_the_order_is_by_score():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30], [0, 0, 10, 5]], float)
    scores = np.array([0.6, 0.9, 0.7, 0.5])
    assert non_maximum_suppression(boxes, scores, max_overlap=0.4) == [1, 2, 3]
    assert non_maximum_suppression(boxes, scores, max_overlap=0.3) == [1, 2]
    assert non_maximum_suppression(np.zeros((0, 4)), np.zeros(0), max_overlap=0.4) == []


def test_box_is_cut_to_the_picture():
    assert to_box(-0.5, 0.2, 1.7, 0.9) == Box(0.0, 0.2, 1.0, 0.9)


def test_only_pictures_larger_than_any_network_needs_are_shrunk():
    small = np.zeros((720, 1280, 3), np.uint8)
    assert moderate(small) is small
    assert moderate(np.zeros((6000, 8000, 3), np.uint8)).shape == (960, 1280, 3)
    assert moderate(np.zeros((1, 5000, 3), np.uint8)).shape == (1, 1280, 3)
