"""Cameras made of files, paced by the clock: what they show depends on the time since they were opened alone."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path

import cv2

from assistant.errors import MediaError
from assistant.events import ImageArray, VideoFrame
from assistant.ports import Clock
from assistant.vision.capture import open_capture
from assistant.vision.pictures import read_picture, to_rgb
from assistant.worker import Worker

_USUAL_FPS = 25.0
_MOST_FPS = 240.0


def _worker() -> Worker:
    return Worker("video", restart_helps=False)  # the next process would read the same file


class PictureCamera:
    """Pictures shown one after the other, round and round; `show` puts another one before the lens."""

    def __init__(
        self,
        paths: Sequence[Path],
        clock: Clock,
        *,
        seconds_each: float = 5.0,
        schedule: Sequence[tuple[float, Path]] = (),
    ) -> None:
        """`schedule` holds (seconds since opening, picture) by rising time and replaces the rounds. Without any
        picture, it does not open before the first `show`."""
        self.name = str(paths[0].parent if len(paths) > 1 else paths[0]) if paths else "pictures"
        self._paths = tuple(paths)
        self._clock = clock
        self._seconds_each = seconds_each
        self._schedule = tuple(schedule)
        self._shown: Path | None = None
        self._has_pictures = asyncio.Event()
        if paths or schedule:
            self._has_pictures.set()
        self._opened_at_s: float | None = None
        self._decoded: tuple[Path, ImageArray] | None = None

    async def open(self) -> None:
        """Start at the first picture, waiting for it. Raises `MediaError` when it is missing or unreadable."""
        await self._has_pictures.wait()
        self._opened_at_s = self._clock.monotonic_s()
        await self.read()

    def show(self, path: Path) -> None:
        """From now on, see this picture."""
        self._shown = path
        self._has_pictures.set()

    async def read(self) -> VideoFrame | None:
        """The picture of this moment. Raises `MediaError` when it is missing or unreadable."""
        if self._opened_at_s is None:
            raise MediaError(f"The camera '{self.name}' is closed.")
        now_s = self._clock.monotonic_s()
        path = self._shown or self._path_at(now_s - self._opened_at_s)
        if self._decoded is None or self._decoded[0] != path:
            self._decoded = path, await asyncio.to_thread(read_picture, path)
        return VideoFrame(now_s, self._decoded[1], path.name)

    async def close(self) -> None:
        """Stop showing."""
        self._opened_at_s = self._decoded = None

    def _path_at(self, elapsed_s: float) -> Path:
        if self._schedule:
            due = [path for at_s, path in self._schedule if at_s <= elapsed_s]
            return due[-1] if due else self._schedule[0][1]
        return self._paths[int(elapsed_s / self._seconds_each) % len(self._paths)]


class VideoFileCamera:
    """A video at its own speed: the frame that belongs to now, and None after the last."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.name = str(path)
        self._path = path
        self._clock = clock
        self._capture: cv2.VideoCapture | None = None
        self._opened_at_s = 0.0
        self._fps = _USUAL_FPS
        self._index = -1
        self._pixels: ImageArray | None = None
        self._worker = _worker()

    async def open(self) -> None:
        """Start at the first frame. Raises `MediaError` for a file that is missing, empty or no video."""
        await self.close()
        if not self._path.is_file():
            raise MediaError(f"There is no video {self._path}.")
        self._worker = _worker()
        self._capture = await self._worker.run(open_capture, str(self._path), cv2.CAP_ANY)
        if not self._capture.isOpened():
            await self.close()
            raise MediaError(f"{self._path} is no readable video.")
        stated_fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._fps = stated_fps if math.isfinite(stated_fps) and 0 < stated_fps <= _MOST_FPS else _USUAL_FPS
        self._opened_at_s = self._clock.monotonic_s()
        if await self.read() is None:
            await self.close()
            raise MediaError(f"The video {self._path} has no pictures.")

    async def read(self) -> VideoFrame | None:
        """The frame of this moment; None at the end."""
        if self._capture is None:
            raise MediaError(f"The video {self._path} is closed.")
        now_s = self._clock.monotonic_s()
        wanted = int((now_s - self._opened_at_s) * self._fps)
        if wanted > self._index:
            self._pixels = await self._worker.run(self._advance, self._capture, wanted)
        return None if self._pixels is None else VideoFrame(now_s, self._pixels, self._path.name)

    async def close(self) -> None:
        """Release the file."""
        if self._capture is not None:
            capture, self._capture = self._capture, None
            await self._worker.run(capture.release)
        self._worker.close()
        self._index, self._pixels = -1, None

    def _advance(self, capture: cv2.VideoCapture, wanted: int) -> ImageArray | None:
        """Frames can only be skipped one by one: seeking lands on key frames."""
        while self._index < wanted:
            if not capture.grab():
                return None
            self._index += 1
        decoded, bgr = capture.retrieve()
        return to_rgb(bgr) if decoded else None
