"""The inputs that golden outputs were recorded for, made from one small picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_MOST_VALUES = 2048


@dataclass(frozen=True, slots=True)
class GoldenInput:
    """How a network wants its picture."""

    size_px: int
    scale: float = 1.0
    """Of the 0…255 values, before `offset` is added."""
    offset: float = 0.0
    channels: int = 3
    dtype: str = "float32"


NETWORKS: Mapping[str, GoldenInput] = {
    "blazeface": GoldenInput(256, 1 / 127.5, -1.0),
    "facemesh": GoldenInput(192, 1 / 255),
    "emotion": GoldenInput(64, 2 / 255, -1.0, channels=1),
    "centernet": GoldenInput(512),
    "faceres": GoldenInput(224),
    "movenet-lightning": GoldenInput(192, dtype="int32"),
}

GOLDEN_TOKENS = (1, 27, 193, 2, 26, 112, 2, 23, 46, 2, 6, 135, 2, 23, 153, 1, 218)
"""Phones of the Chinese voice: 桌子上有书."""


def golden_input(network: str, picture: Path) -> npt.NDArray[Any]:
    """The network's input, NHWC, batch 1. Resized by picking pixels, so that every machine gets the same numbers."""
    import cv2

    wanted = NETWORKS[network]
    pixels = np.asarray(cv2.imread(str(picture)), np.float32)[:, :, ::-1]
    rows, columns = (np.arange(wanted.size_px) * side // wanted.size_px for side in pixels.shape[:2])
    values = pixels[rows][:, columns]
    if wanted.channels == 1:
        values = values @ np.array([[0.2989], [0.5870], [0.1140]], np.float32)
    scaled: npt.NDArray[Any] = values * np.float32(wanted.scale) + np.float32(wanted.offset)
    return scaled.astype(wanted.dtype)[None]


def subsample(data: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """At most 2048 values of an output, evenly picked from its flat order: big outputs stay small on disk."""
    flat = data.reshape(-1)
    return flat[:: -(-flat.size // _MOST_VALUES)]
