"""Procedurally drawn scenes with the one right caption of each: coloured shapes, left of or above each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from assistant.events import ImageArray

SIDE_PX = 48
COLOURS = {
    "red": (214, 40, 40), "green": (40, 150, 60), "blue": (40, 80, 210), "yellow": (235, 205, 40),
    "white": (245, 245, 245), "black": (15, 15, 15),
}  # fmt: skip
SHAPES = ("circle", "square", "triangle", "cross")
WORDS = ("<end>", "a", "left", "of", "above", *COLOURS, *SHAPES)
"""The vocabulary; a caption begins and ends with the first."""
LONGEST = 10
"""Words of the longest caption, with its end."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One scene."""

    pixels: ImageArray
    """uint8, shape (48, 48, 3), RGB."""
    caption: str


def draw_scene(rng: np.random.Generator) -> Drawn:
    """One shape, or two of which one is clearly left of or clearly above the other."""
    background = rng.integers(90, 175)
    noise = rng.normal(0.0, 6.0, (SIDE_PX, SIDE_PX, 3))
    pixels = np.clip(background + noise, 0, 255).astype(np.uint8)
    things = [_thing(rng) for _ in range(1 if rng.random() < 0.15 else 2)]
    if len(things) == 1:
        _draw(pixels, rng, *things[0], *rng.integers(10, SIDE_PX - 10, 2).tolist())
        return Drawn(pixels, f"a {' '.join(things[0])}")
    beside = bool(rng.random() < 0.5)
    # Far apart along one axis, close along the other: nobody could call it otherwise.
    near, far = int(rng.integers(9, 16)), int(rng.integers(32, SIDE_PX - 9))
    shift = int(rng.integers(14, SIDE_PX - 14))
    across = [int(np.clip(shift + rng.integers(-5, 6), 9, SIDE_PX - 9)) for _ in things]
    for thing, along, other in zip(things, (near, far), across, strict=True):
        _draw(pixels, rng, *thing, *((along, other) if beside else (other, along)))
    relation = "left of" if beside else "above"
    return Drawn(pixels, f"a {' '.join(things[0])} {relation} a {' '.join(things[1])}")


def draw_scenes(count: int, seed: int) -> list[Drawn]:
    """As many scenes."""
    rng = np.random.default_rng(seed)
    return [draw_scene(rng) for _ in range(count)]


def encode(caption: str) -> list[int]:
    """Its words as numbers, with the end."""
    return [WORDS.index(word) for word in caption.split(" ")] + [0]


def decode(tokens: Sequence[int]) -> str:
    """The caption up to its end."""
    words = []
    for token in tokens:
        if token == 0:
            break
        words.append(WORDS[token])
    return " ".join(words)


def _thing(rng: np.random.Generator) -> tuple[str, str]:
    return list(COLOURS)[rng.integers(len(COLOURS))], SHAPES[rng.integers(len(SHAPES))]


def _draw(pixels: ImageArray, rng: np.random.Generator, colour: str, shape: str, x: int, y: int) -> None:
    size = int(rng.integers(6, 9))
    light = rng.uniform(0.9, 1.08)
    paint = tuple(min(255.0, part * light) for part in COLOURS[colour])
    if shape == "circle":
        cv2.circle(pixels, (x, y), size, paint, -1, cv2.LINE_AA)
    elif shape == "square":
        cv2.rectangle(pixels, (x - size, y - size), (x + size, y + size), paint, -1)
    elif shape == "triangle":
        corners = np.array([[x, y - size], [x - size, y + size], [x + size, y + size]])
        cv2.fillPoly(pixels, [corners], paint, cv2.LINE_AA)
    else:
        cv2.rectangle(pixels, (x - size, y - 2), (x + size, y + 2), paint, -1)
        cv2.rectangle(pixels, (x - 2, y - size), (x + 2, y + size), paint, -1)
