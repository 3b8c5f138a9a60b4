"""Picture files, read safely and quietly."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from assistant.atomic import replace_file
from assistant.errors import MediaError
from assistant.events import ImageArray

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
_MOST_PIXELS = 100_000_000
"""300 MB as RGB. A PNG of a few kilobytes can claim to be a thousand times larger."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_SIGNATURE = b"\xff\xd8"
# Start-of-frame markers carry the size; C4, C8 and CC are something else (ITU-T T.81, table B.1).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STDERR = threading.Lock()


def read_picture(path: Path) -> ImageArray:
    """A picture as RGB, uint8 (H, W, 3); gray becomes RGB, transparency is dropped, a photo's orientation is applied.

    Raises `MediaError` naming the file when it is missing, too large or no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MediaError(f"The picture {path} cannot be read: {error.strerror}.") from error
    width, height = _declared_size(data)
    if width * height > _MOST_PIXELS:
        raise MediaError(
            f"The picture {path} has {width}×{height} pixels; at most {_MOST_PIXELS // 1_000_000} million are read.",
            remedy="Make it smaller first.",
        )
    with _silent_libraries():
        try:
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        except cv2.error:
            decoded = None
    if decoded is None:
        kinds = ", ".join(suffix.removeprefix(".") for suffix in PICTURE_SUFFIXES)
        raise MediaError(f"{path} is no readable picture.", remedy=f"Supported are {kinds}.")
    return to_rgb(decoded)


def write_picture(path: Path, pixels: ImageArray) -> None:
    """Write RGB pixels as PNG, whole or not at all."""
    encoded, data = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise MediaError(f"The picture {path} cannot be encoded as PNG.")
    with replace_file(path) as temporary:
        temporary.write_bytes(data.tobytes())


def to_rgb(picture: npt.NDArray[Any]) -> ImageArray:
    """From OpenCV's channel order, or from gray."""
    code = cv2.COLOR_GRAY2RGB if picture.ndim == 2 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(picture, code), np.uint8)


def _declared_size(data: bytes) -> tuple[int, int]:
    """Width and height that a PNG or JPEG claims; 0, 0 for what says nothing or is of another kind."""
    if data.startswith(_PNG_SIGNATURE) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    position = 2
    while data.startswith(_JPEG_SIGNATURE) and position + 9 <= len(data) and data[position] == 0xFF:
        if data[position + 1] in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return width, height
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return 0, 0


@contextmanager
def _silent_libraries() -> Iterator[None]:
    """Keep libpng and libjpeg, which write to the standard error stream by themselves, from doing so."""
    with _STDERR:
        saved = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(nowhere)
