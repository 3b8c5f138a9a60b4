"""`cv2.VideoCapture`, opened without a word on the terminal."""

from __future__ import annotations

import os

import cv2


def open_capture(source: int | str, backend: int) -> cv2.VideoCapture:
    """A capture that may or may not be open. Blocks for as long as the driver or network does."""
    # Read by OpenCV when it first uses FFmpeg; -8 is AV_LOG_QUIET.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(source, backend)
    except cv2.error:
        return cv2.VideoCapture()
