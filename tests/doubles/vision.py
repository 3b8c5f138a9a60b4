"""A camera that can be told to fail, and networks whose findings are given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assistant.errors import DeviceError
from assistant.events import Box, Detection, Face, ImageArray, VideoFrame
from assistant.ports import Clock
from assistant.vision.frozen import FrozenPicture


def flat_picture(level: int, *, height: int = 48, width: int = 64) -> ImageArray:
    """One shade of gray."""
    return np.full((height, width, 3), level, np.uint8)


class FakeCamera:
    """Shows `picture(now_s)`; None is the end, an exception is raised."""

    name = "fake"

    def __init__(self, clock: Clock, picture: Callable[[float], ImageArray | Exception | None]) -> None:
        self._clock = clock
        self._picture = picture
        self.opened = 0
        self.is_open = False

    async def open(self) -> None:
        self.opened += 1
        picture = self._picture(self._clock.monotonic_s())
        if isinstance(picture, Exception):
            raise picture
        self.is_open = True

    async def read(self) -> VideoFrame | None:
        if not self.is_open:
            raise DeviceError("The fake camera is closed.")
        now_s = self._clock.monotonic_s()
        picture = self._picture(now_s)
        if isinstance(picture, Exception):
            raise picture
        return None if picture is None else VideoFrame(now_s, picture, self.name)

    async def close(self) -> None:
        self.is_open = False


class FreezableCamera(FakeCamera):
    """As live cameras do, it takes a picture that stays the same for 10 s for frozen."""

    def __init__(self, clock: Clock, picture: Callable[[float], ImageArray | Exception | None]) -> None:
        super().__init__(clock, picture)
        self._frozen = FrozenPicture(10.0)

    async def open(self) -> None:
        await super().open()
        await self.read()

    async def read(self) -> VideoFrame | None:
        frame = await super().read()
        if frame is not None:
            self._frozen.check(frame)
        return frame


class SlowCamera(FakeCamera):
    """Every picture takes its time."""

    def __init__(
        self, clock: Clock, picture: Callable[[float], ImageArray | Exception | None], *, takes_s: float
    ) -> None:
        super().__init__(clock, picture)
        self._takes_s = takes_s

    async def read(self) -> VideoFrame | None:
        await self._clock.sleep_until(self._clock.monotonic_s() + self._takes_s)
        return await super().read()


class EndingStream(FakeCamera):
    """A stream that ends at `ends_s`, and can be opened anew at once."""

    def __init__(
        self, clock: Clock, picture: Callable[[float], ImageArray | Exception | None], *, ends_s: float
    ) -> None:
        super().__init__(clock, picture)
        self._ends_s = ends_s
        self._opened_at_s = 0.0

    async def open(self) -> None:
        await super().open()
        self._opened_at_s = self._clock.monotonic_s()

    async def read(self) -> VideoFrame | None:
        if self._opened_at_s < self._ends_s <= self._clock.monotonic_s():
            raise DeviceError("The fake camera stopped delivering pictures.")
        return await super().read()


class BrightnessDetector:
    """Sees a "dog" whose confidence is the brightness of the picture's corner; remembers when it looked."""

    labels = ("dog",)

    def __init__(self) -> None:
        self.looked_at_s: list[float] = []
        self.broken = False
        self.raises: Exception = RuntimeError("out of memory")
        """While it is broken."""

    def detect(self, frame: VideoFrame) -> list[Detection]:
        self.looked_at_s.append(frame.at_s)
        if self.broken:
            raise self.raises
        return [Detection("dog", float(frame.pixels[0, 0, 0]) / 255, Box(0, 0, 1, 1))]


class GivenFaces:
    """Finds the same faces everywhere."""

    def __init__(self, *faces: Face) -> None:
        self._faces = list(faces)

    def detect(self, frame: VideoFrame) -> list[Face]:
        return self._faces
