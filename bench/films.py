"""The films that sight is measured on: what happens in each, and when it can be seen."""

from __future__ import annotations

import cv2
import numpy as np

from assistant.events import ImageArray
from assistant.models.store import ModelStore
from assistant.vision.pictures import read_picture
from bench.moving_scenes import HEIGHT_PX, WIDTH_PX, Actor, CutOut, Film, TrueEvent, along, cut_out


def _backdrop(models: ModelStore, name: str) -> ImageArray:
    pixels = read_picture(models.file("sample-pictures", name))
    return np.asarray(cv2.resize(pixels, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA), np.uint8)


def _crossing(moon: ImageArray, man: CutOut, woman: CutOut) -> Film:
    return Film(
        "two people cross",
        moon,
        [
            Actor(man, 0.75, along((0.0, 0.2, 1.0), (2.0, 0.2, 1.0), (7.0, 0.85, 1.0), (10.0, 0.85, 1.0))),
            Actor(woman, 0.8, along((0.0, 0.8, 1.0), (2.0, 0.8, 1.0), (7.0, 0.2, 1.0), (10.0, 0.2, 1.0))),
        ],
        10.0,
    )


def _hidden(moon: ImageArray, man: CutOut, pillar: CutOut) -> Film:
    return Film(
        "behind a pillar",
        moon,
        [
            Actor(man, 0.7, along((1.0, -0.15, 1.0), (9.0, 1.15, 1.0))),
            Actor(pillar, 1.0, lambda _: (0.5, 1.0), scenery=True),
        ],
        12.0,
        [TrueEvent("came", "person", 1.8), TrueEvent("left", "person", 8.3)],
    )


def _looking_in(garden: ImageArray, woman: CutOut) -> Film:
    return Film(
        "someone looks in",
        garden,
        [Actor(woman, 0.9, along((2.0, 1.25, 1.0), (3.5, 0.6, 1.0), (8.0, 0.6, 1.0), (9.5, 1.25, 1.0)))],
        13.0,
        [TrueEvent("came", "person", 2.6), TrueEvent("left", "person", 9.0)],
    )


def _parked(tower: ImageArray, motorcycle: CutOut) -> Film:
    return Film(
        "parked, moved and gone",
        tower,
        [Actor(motorcycle, 0.45, along((2.0, 0.25, 0.95), (6.0, 0.25, 0.95), (7.0, 0.7, 0.95), (10.0, 0.7, 0.95)))],
        14.0,
        [
            TrueEvent("appeared", "motorcycle", 2.0),
            TrueEvent("moved", "motorcycle", 7.0),
            TrueEvent("vanished", "motorcycle", 10.0),
        ],
    )


def _riding(town: ImageArray, motorcycle: CutOut) -> Film:
    return Film(
        "a ride through town",
        town,
        [Actor(motorcycle, 0.5, along((1.0, -0.3, 0.95), (5.0, 1.3, 0.95)))],
        9.0,
        [TrueEvent("appeared", "motorcycle", 1.6), TrueEvent("vanished", "motorcycle", 4.5)],
    )


def _walking_past(moon: ImageArray, man: CutOut, motorcycle: CutOut) -> Film:
    return Film(
        "walking past a motorcycle",
        moon,
        [
            Actor(motorcycle, 0.45, lambda _: (0.55, 0.95)),
            Actor(man, 0.75, along((2.0, -0.15, 1.0), (8.0, 1.15, 1.0))),
        ],
        11.0,
        [TrueEvent("came", "person", 2.6), TrueEvent("left", "person", 7.6)],
    )


def _darkness(moon: ImageArray, woman: CutOut) -> Film:
    return Film(
        "the light goes out",
        moon,
        [Actor(woman, 0.7, lambda _: (0.5, 1.0))],
        12.0,
        [TrueEvent("dark", "room", 4.0), TrueEvent("light", "room", 8.0)],
        lambda at_s: 0.04 if 4.0 <= at_s < 8.0 else 1.0,
    )


def films(models: ModelStore) -> list[Film]:
    """All of them. Raises `ModelMissingError` when `sample-pictures` has not been pulled."""

    def cut(label: str, name: str, region: tuple[float, float, float, float]) -> CutOut:
        return cut_out(label, read_picture(models.file("sample-pictures", name)), region)

    man = cut("person", "camera.png", (0.1, 0.1, 0.62, 1.0))
    woman = cut("person", "astronaut.png", (0.02, 0.02, 0.8, 1.0))
    motorcycle = cut("motorcycle", "motorcycle_left.png", (0.12, 0.08, 0.93, 0.92))
    garden, moon, tower, town = (
        _backdrop(models, name) for name in ("flower.jpg", "moon.png", "rocket.jpg", "china.jpg")
    )
    pillar = CutOut("pillar", np.ascontiguousarray(garden[:, 60:140]), np.ones((HEIGHT_PX, 80), np.float32))
    return [
        _crossing(moon, man, woman),
        _hidden(moon, man, pillar),
        _looking_in(garden, woman),
        _parked(tower, motorcycle),
        _riding(town, motorcycle),
        _walking_past(moon, man, motorcycle),
        _darkness(moon, woman),
        Film("nothing happens", moon, [Actor(woman, 0.7, lambda _: (0.4, 1.0))], 12.0),
    ]
