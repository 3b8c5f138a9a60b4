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
