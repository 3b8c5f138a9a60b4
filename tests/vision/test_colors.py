"""Colours of things, from pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from assistant.events import Box
from assistant.vision.colors import COLORS, color_of
from assistant.vision.pictures import read_picture

BOX = Box(0.3, 0.2, 0.7, 0.8)


def scene(color, *, background=(120, 120, 120), light=1.0, noise=6.0):
    """A block of one colour before a background, under a light, with a camera's noise."""
    pixels = np.full((120, 160, 3), background, np.float32)
    pixels[24:96, 48:112] = color
    pixels = pixels * light + np.random.default_rng(5).normal(0, noise, pixels.shape)
    return np.clip(pixels, 0, 255).astype(np.uint8)


RGB = {
    "red": (200, 30, 30),
    "orange": (240, 130, 20),
    "yellow": (235, 210, 30),
    "green": (40, 150, 60),
    "blue": (40, 70, 200),
    "purple": (130, 50, 180),
    "pink": (245, 140, 170),
    "brown": (110, 65, 25),
    "black": (15, 15, 18),
    "gray": (125, 125, 128),
    "white": (245, 245, 240),
}


@pytest.mark.parametrize(("name", "rgb"), RGB.items())
def test_plain_colors_have_their_names(name, rgb):
    assert color_of(scene(rgb, background=(90, 140, 90)), BOX) == name


def test_every_color_has_a_chinese_name():
    assert set(RGB) == set(COLORS)
    assert all(name.endswith("色") for name in COLORS.values())


@pytest.mark.parametrize("light", [0.6, 0.8, 1.15])
@pytest.mark.parametrize("name", ["red", "yellow", "green", "blue"])
def test_light_does_not_change_them(name, light):
    assert color_of(scene(RGB[name], light=light), BOX) == name


def test_in_the_dark_there_is_none():
    assert color_of(scene(RGB["red"], light=0.05), BOX) == ""
    assert color_of(np.zeros((48, 64, 3), np.uint8), BOX) == ""


def test_a_thing_of_many_colors_has_none():
    pixels = scene(RGB["red"])
    pixels[24:96, 48:74], pixels[24:96, 74:86] = RGB["green"], RGB["blue"]
    assert color_of(pixels, BOX) == ""


@pytest.mark.parametrize("box", [Box(0, 0, 0, 0), Box(0.5, 0.5, 0.51, 0.51), Box(0.99, 0.99, 1, 1)])
def test_a_thing_without_pixels_has_none(box):
    assert color_of(scene(RGB["red"])[:10, :10], box) == ""


@pytest.mark.models
def test_a_real_cup_is_red(model_store):
    """Hasselblad coffee: a red saucer and a cup that is red outside."""
    pixels = read_picture(model_store.file("sample-pictures", "coffee.png"))
    assert color_of(pixels, Box(0.30, 0.45, 0.42, 0.60)) in {"red", "brown"}
    assert color_of(cv2.convertScaleAbs(pixels, alpha=0.03), Box(0.30, 0.45, 0.42, 0.60)) == ""
