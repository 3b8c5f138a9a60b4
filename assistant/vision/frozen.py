"""Notices a camera that delivers one and the same picture all the time.

Two pictures of a real sensor differ at least by its noise, even in the dark: what is equal to the last bit was not
taken anew. A driver that hangs, a stream that repeats its last frame and a camera that shows only black are like that.
"""

from __future__ import annotations

import zlib

import numpy as np

from assistant.errors import DeviceError
from assistant.events import VideoFrame


class FrozenPicture:
    """Remembers since when the picture has been the same, also while the camera is opened anew. No picture is kept for
    that: muted, the camera may leave none in memory."""

    def __init__(self, frozen_s: float) -> None:
        """A picture that is `frozen_s` old is frozen; 0 lets every picture pass."""
        self._frozen_s = frozen_s
        self._checksum: int | None = None
        self._since_s = 0.0

    def check(self, frame: VideoFrame) -> None:
        """Take note of the newest frame. Raises `DeviceError` if it has been the same for too long."""
        if not self._frozen_s:
            return
        checksum = zlib.crc32(np.ascontiguousarray(frame.pixels).data)
        if checksum != self._checksum:
            self._checksum, self._since_s = checksum, frame.at_s
            return
        seconds = frame.at_s - self._since_s
        if seconds < self._frozen_s:
            return
        shows = "nothing but one colour" if frame.pixels.min() == frame.pixels.max() else "the same picture"
        raise DeviceError(
            f"The camera '{frame.source}' has shown {shows} for {seconds:.0f} s: it is frozen.",
            remedy="Unplug it and plug it in again. If a program draws this picture, set vision.frozen_s = 0.",
        )
