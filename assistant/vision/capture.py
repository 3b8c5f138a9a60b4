"""`cv2.VideoCapture`, opened without a word on the terminal."""

from __future__ import annotations

import os

import cv2

_NETWORK_TIMEOUT_MS = 4000
"""A connection may die without a word, and FFmpeg waits 30 s for it. Nobody can open the stream anew meanwhile."""

_SILENT = 0


def open_capture(source: int | str, backend: int) -> cv2.VideoCapture:
    """A capture that may or may not be open. Blocks for as long as the driver does; FFmpeg gives up after 4 s, then and
    at every picture."""
    # Read by OpenCV when it first uses FFmpeg; -8 is AV_LOG_QUIET.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    # Debian's OpenCV 4 has the one, the wheels' OpenCV 5 the other.
    set_log_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
    set_log_level(_SILENT)
    parameters: list[int] = []  # no other backend knows these
    if backend == cv2.CAP_FFMPEG:
        parameters += [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _NETWORK_TIMEOUT_MS]
        parameters += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, _NETWORK_TIMEOUT_MS]
    try:
        return cv2.VideoCapture(source, backend, parameters)
    except cv2.error:
        return cv2.VideoCapture()
