"""From what a person calls a camera to the `Camera` that delivers its pictures."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from pathlib import Path

import cv2

from assistant.errors import MediaError
from assistant.ports import Camera, Clock
from assistant.vision.file_cameras import PictureCamera, VideoFileCamera
from assistant.vision.live_camera import LiveCamera
from assistant.vision.pictures import PICTURE_SUFFIXES
from assistant.vision.video4linux import SYSFS, NumberedCamera


def open_camera(
    spec: str, clock: Clock, *, seconds_each: float = 5.0, frozen_s: float = 0.0, sysfs: Path = SYSFS
) -> Camera:
    """The camera for `spec`, not opened yet: an index ("0"), a V4L2 path, a GStreamer pipeline (contains " ! "), an
    RTSP or HTTP address, a video file, a picture, a folder of pictures or a glob. Several pictures are shown
    `seconds_each`, in the order of their names. A live camera whose picture stays the same for `frozen_s` is frozen; 0
    never. `sysfs` is where the kernel lists its cameras: by name, one that was opened is found under another index.

    Raises `MediaError` when a file, folder or glob has nothing to show.
    """
    if spec.isdecimal():
        return LiveCamera(NumberedCamera(int(spec), sysfs), cv2.CAP_ANY, spec, clock, frozen_s=frozen_s)
    if " ! " in spec:
        return LiveCamera(spec, cv2.CAP_GSTREAMER, spec, clock, frozen_s=frozen_s)
    if "://" in spec:
        return LiveCamera(spec, cv2.CAP_FFMPEG, _without_password(spec), clock, frozen_s=frozen_s)
    if node := re.fullmatch(r"/dev/video(\d+)", spec):
        return LiveCamera(NumberedCamera(int(node[1]), sysfs), cv2.CAP_V4L2, spec, clock, frozen_s=frozen_s)
    if spec.startswith("/dev/"):  # by a link that follows the device
        return LiveCamera(spec, cv2.CAP_V4L2, spec, clock, frozen_s=frozen_s)
    path = Path(spec)
    if path.is_dir():
        return PictureCamera(_pictures(path.iterdir(), spec), clock, seconds_each=seconds_each)
    if path.is_file() and path.suffix.lower() in PICTURE_SUFFIXES:
        return PictureCamera([path], clock)
    if path.is_file():
        return VideoFileCamera(path, clock)
    if glob.has_magic(spec):
        matches = map(Path, glob.iglob(spec))  # noqa: PTH207 (Path.glob takes no absolute patterns)
        return PictureCamera(_pictures(matches, spec), clock, seconds_each=seconds_each)
    raise MediaError(
        f"There is no camera or file '{spec}'.",
        remedy="Give an index, a device, an address, a GStreamer pipeline, a video, a picture or a folder of pictures.",
    )


def _pictures(paths: Iterable[Path], spec: str) -> list[Path]:
    found = sorted(path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file())
    if not found:
        raise MediaError(
            f"There are no pictures in '{spec}'.", remedy=f"Pictures end in {', '.join(PICTURE_SUFFIXES)}."
        )
    return found


def _without_password(address: str) -> str:
    """An address as it may appear in messages."""
    return re.sub(r"(?<=://)[^/@]*@", "", address)
