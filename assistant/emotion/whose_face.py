"""Whose face counts: of all faces in a picture, that of the person who talks to the assistant, and never a poster's.

The largest face counts, since who talks to a device comes near it; among faces of about that size the one whose mouth
moves. A face in which nothing at all has moved for half a minute is a picture, and no evidence of anyone's feeling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from assistant.events import Box, Face, ImageArray, VideoFrame

_SIDE = 24
_NEARLY_AS_LARGE = 0.6
"""Of the largest face's area: such faces are told apart by their mouths."""
_STILL_S = 30.0
_STILL_LOOKS = 6
_MOVED = 0.02
"""Mean change of brightness, 0 to 1, over a face: a camera's noise on a poster stays below, a blink or a breath does
not, once half a minute of them is compared with the first picture."""
_SAME_FACE_OVERLAP = 0.3
_FORGOTTEN_S = 10.0

Patch = npt.NDArray[np.float32]


@dataclass(slots=True)
class _Seen:
    """One place where a face is."""

    box: Box
    first: Patch
    last: Patch
    since_s: float
    """When it was first seen, or last moved."""
    at_s: float
    looks: int = 1
    mouth: float = 0.0
    """How much the lower half moved lately, beyond the upper half."""


class FaceChooser:
    """Remembers the faces of one camera for some seconds."""

    def __init__(self) -> None:
        self._seen: list[_Seen] = []

    def choose(self, frame: VideoFrame, faces: Sequence[Face]) -> Face | None:
        """The face that counts; None where there is none, or only pictures of faces."""
        self._seen = [seen for seen in self._seen if 0.0 <= frame.at_s - seen.at_s < _FORGOTTEN_S]
        alive = []
        for face in faces:
            patch = _patch(frame.pixels, face.box)
            if patch is not None:
                seen = self._look(frame.at_s, face.box, patch)
                if not _is_picture(seen):
                    alive.append((face, seen))
        if not alive:
            return None
        largest = max(face.box.area for face, _ in alive)
        near = [(face, seen) for face, seen in alive if face.box.area >= _NEARLY_AS_LARGE * largest]
        return max(near, key=lambda pair: (round(pair[1].mouth, 3), pair[0].box.area))[0]

    def _look(self, at_s: float, box: Box, patch: Patch) -> _Seen:
        seen = max(self._seen, key=lambda known: _overlap(known.box, box), default=None)
        if seen is None or _overlap(seen.box, box) < _SAME_FACE_OVERLAP or seen.at_s == at_s:
            seen = _Seen(box, patch, patch, at_s, at_s)
            self._seen.append(seen)
            return seen
        change = np.abs(patch - seen.last)
        half = _SIDE // 2
        mouth = max(0.0, float(change[half:].mean() - change[:half].mean()))
        seen.mouth = 0.5 * seen.mouth + 0.5 * mouth
        if float(np.abs(patch - seen.first).mean()) > _MOVED:
            seen.first, seen.since_s, seen.looks = patch, at_s, 0
        seen.box, seen.last, seen.at_s = box, patch, at_s
        seen.looks += 1
        return seen


def _is_picture(seen: _Seen) -> bool:
    return seen.looks >= _STILL_LOOKS and seen.at_s - seen.since_s >= _STILL_S


def _patch(pixels: ImageArray, box: Box) -> Patch | None:
    """The face in 24 x 24 gray, [0, 1], without its mean brightness; None when the box has no area in the picture."""
    height, width = pixels.shape[:2]
    left, right = int(np.clip(box.x0 * width, 0, width)), int(np.clip(box.x1 * width, 0, width))
    top, bottom = int(np.clip(box.y0 * height, 0, height)), int(np.clip(box.y1 * height, 0, height))
    if right - left < 1 or bottom - top < 1:
        return None
    small = cv2.resize(pixels[top:bottom, left:right], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    gray = small.mean(axis=2).astype(np.float32) / np.float32(255.0)
    return np.asarray(gray - gray.mean(), np.float32)


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    if width <= 0.0 or height <= 0.0:
        return 0.0
    both = width * height
    return both / max(one.area + other.area - both, 1e-9)
