"""Films with known truth: real cut-outs that move over real backgrounds, hide each other, come and go.

Deterministic. Every picture carries the true boxes of what can be seen of it, and every film what happens in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from assistant.events import Box, ImageArray, SceneChangeKind
from assistant.models.store import ModelStore
from assistant.vision.pictures import read_picture

WIDTH_PX, HEIGHT_PX, FPS = 640, 480, 10.0
_LEAST_VISIBLE = 0.3
"""Share of a thing that must show for it to count as there."""
_LEAST_LIGHT = 0.1
"""Below it nothing can be seen."""
_LARGEST_HOLE_PX = 25
"""What GrabCut takes for background inside a thing is filled up to this size."""
_NOISE = 3.0
"""Standard deviation of the camera's noise, of 255."""

Position = tuple[float, float] | None
"""Centre of the lower edge in fractions of the picture; None while it is not there."""


@dataclass(frozen=True)
class CutOut:
    """A thing without its background."""

    label: str
    pixels: ImageArray
    mask: npt.NDArray[np.float32]
    """(h, w), 0 to 1."""


@dataclass(frozen=True)
class Actor:
    """A thing and its way: seconds → where it stands. The first actor is the farthest."""

    cut_out: CutOut
    height: float
    """Share of the picture's height."""
    way: Callable[[float], Position]
    scenery: bool = False
    """Whether it only hides others: a pillar."""


@dataclass(frozen=True)
class TrueEvent:
    """What happens, and when it can be seen."""

    kind: SceneChangeKind
    subject: str
    at_s: float


@dataclass(frozen=True)
class Film:
    """A sequence."""

    name: str
    background: ImageArray
    actors: Sequence[Actor]
    length_s: float
    events: Sequence[TrueEvent] = ()
    light: Callable[[float], float] = field(default=lambda _: 1.0)
    """Seconds → factor on the brightness."""

    def pictures(self) -> Iterator[tuple[float, ImageArray, dict[int, tuple[str, Box]]]]:
        """Seconds, picture and the true boxes: identity → label and box."""
        noise = np.random.default_rng(7)
        for index in range(round(self.length_s * FPS)):
            at_s = index / FPS
            canvas, truth = self._draw(at_s)
            light = self.light(at_s)
            if light < _LEAST_LIGHT:
                truth = {}
            canvas = canvas * light + noise.normal(0.0, _NOISE, canvas.shape)
            yield at_s, np.clip(canvas, 0, 255).astype(np.uint8), truth

    def _draw(self, at_s: float) -> tuple[npt.NDArray[np.float32], dict[int, tuple[str, Box]]]:
        canvas = self.background.astype(np.float32)
        owner = np.zeros(canvas.shape[:2], np.int32)
        sizes: dict[int, int] = {}
        for number, actor in enumerate(self.actors, start=1):
            where = actor.way(at_s)
            if where is not None:
                sizes[number] = _paste(canvas, owner, number, actor, where)
        truth = {}
        for number, size in sizes.items():
            rows, columns = np.nonzero(owner == number)
            if not self.actors[number - 1].scenery and rows.size >= _LEAST_VISIBLE * size:
                box = Box(
                    columns.min() / WIDTH_PX, rows.min() / HEIGHT_PX, columns.max() / WIDTH_PX, rows.max() / HEIGHT_PX
                )
                truth[number] = self.actors[number - 1].cut_out.label, box
        return canvas, truth


def _paste(
    canvas: npt.NDArray[np.float32], owner: npt.NDArray[np.int32], number: int, actor: Actor, where: tuple[float, float]
) -> int:
    """Draw an actor; returns how many pixels it has, hidden ones too."""
    source = actor.cut_out
    height = round(actor.height * HEIGHT_PX)
    width = max(1, round(height * source.mask.shape[1] / source.mask.shape[0]))
    pixels = cv2.resize(source.pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    mask = cv2.resize(source.mask, (width, height), interpolation=cv2.INTER_AREA)
    left, top = round(where[0] * WIDTH_PX - width / 2), round(where[1] * HEIGHT_PX) - height
    x0, y0, x1, y1 = max(0, left), max(0, top), min(WIDTH_PX, left + width), min(HEIGHT_PX, top + height)
    if x0 < x1 and y0 < y1:
        part = mask[y0 - top : y1 - top, x0 - left : x1 - left, np.newaxis]
        under = canvas[y0:y1, x0:x1]
        canvas[y0:y1, x0:x1] = under + part * (pixels[y0 - top : y1 - top, x0 - left : x1 - left] - under)
        owner[y0:y1, x0:x1][part[..., 0] > 0.5] = number
    return int((mask > 0.5).sum())


def cut_out(label: str, pixels: ImageArray, region: tuple[float, float, float, float]) -> CutOut:
    """Take what is inside `region` (x0, y0, x1, y1 in fractions) from its background (GrabCut)."""
    scale = HEIGHT_PX / pixels.shape[0]
    pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = (round(v * s) for v, s in zip(region, (width, height, width, height), strict=True))
    x0, y0 = max(1, x0), max(1, y0)
    labels = np.zeros((height, width), np.uint8)
    cv2.setRNGSeed(7)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    box = (x0, y0, min(x1, width - 1) - x0, min(y1, height - 1) - y0)
    cv2.grabCut(np.ascontiguousarray(pixels[..., ::-1]), labels, box, *models, 3, cv2.GC_INIT_WITH_RECT)
    inside = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    inside = cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((_LARGEST_HOLE_PX, _LARGEST_HOLE_PX), np.uint8))
    rows, columns = np.nonzero(inside)
    y0, y1, x0, x1 = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    mask = cv2.GaussianBlur(inside.astype(np.float32), (5, 5), 0)[y0:y1, x0:x1]
    return CutOut(label, np.ascontiguousarray(pixels[y0:y1, x0:x1]), mask)


def along(*points: tuple[float, float, float]) -> Callable[[float], Position]:
    """A way through (seconds, x, y), straight between; not there before the first and after the last."""
    times, xs, ys = (np.array(column) for column in zip(*points, strict=True))

    def where(at_s: float) -> Position:
        if not times[0] <= at_s <= times[-1]:
            return None
        return float(np.interp(at_s, times, xs)), float(np.interp(at_s, times, ys))

    return where


def _backdrop(models: ModelStore, name: str) -> ImageArray:
    pixels = read_picture(models.file("sample-pictures", name))
    return np.asarray(cv2.resize(pixels, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA), np.uint8)


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
        Film(
            "two people cross",
            moon,
            [
                Actor(man, 0.75, along((0.0, 0.2, 1.0), (2.0, 0.2, 1.0), (7.0, 0.85, 1.0), (10.0, 0.85, 1.0))),
                Actor(woman, 0.8, along((0.0, 0.8, 1.0), (2.0, 0.8, 1.0), (7.0, 0.2, 1.0), (10.0, 0.2, 1.0))),
            ],
            10.0,
        ),
        Film(
            "behind a pillar",
            moon,
            [
                Actor(man, 0.7, along((1.0, -0.15, 1.0), (9.0, 1.15, 1.0))),
                Actor(pillar, 1.0, lambda _: (0.5, 1.0), scenery=True),
            ],
            12.0,
            [TrueEvent("came", "person", 1.8), TrueEvent("left", "person", 8.3)],
        ),
        Film(
            "someone looks in",
            garden,
            [Actor(woman, 0.9, along((2.0, 1.25, 1.0), (3.5, 0.6, 1.0), (8.0, 0.6, 1.0), (9.5, 1.25, 1.0)))],
            13.0,
            [TrueEvent("came", "person", 2.6), TrueEvent("left", "person", 9.0)],
        ),
        Film(
            "parked, moved and gone",
            tower,
            [Actor(motorcycle, 0.45, along((2.0, 0.25, 0.95), (6.0, 0.25, 0.95), (7.0, 0.7, 0.95), (10.0, 0.7, 0.95)))],
            14.0,
            [
                TrueEvent("appeared", "motorcycle", 2.0),
                TrueEvent("moved", "motorcycle", 7.0),
                TrueEvent("vanished", "motorcycle", 10.0),
            ],
        ),
        Film(
            "a ride through town",
            town,
            [Actor(motorcycle, 0.5, along((1.0, -0.3, 0.95), (5.0, 1.3, 0.95)))],
            9.0,
            [TrueEvent("appeared", "motorcycle", 1.6), TrueEvent("vanished", "motorcycle", 4.5)],
        ),
        Film(
            "walking past a motorcycle",
            moon,
            [
                Actor(motorcycle, 0.45, lambda _: (0.55, 0.95)),
                Actor(man, 0.75, along((2.0, -0.15, 1.0), (8.0, 1.15, 1.0))),
            ],
            11.0,
            [TrueEvent("came", "person", 2.6), TrueEvent("left", "person", 7.6)],
        ),
        Film(
            "the light goes out",
            moon,
            [Actor(woman, 0.7, lambda _: (0.5, 1.0))],
            12.0,
            [TrueEvent("dark", "room", 4.0), TrueEvent("light", "room", 8.0)],
            lambda at_s: 0.04 if 4.0 <= at_s < 8.0 else 1.0,
        ),
        Film("nothing happens", moon, [Actor(woman, 0.7, lambda _: (0.4, 1.0))], 12.0),
    ]
