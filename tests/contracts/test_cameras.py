"""What every camera must keep to, on pictures and videos that the test makes; live ones need a device, or what stands
in for one: see `tests/vision/test_cameras.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import cv2
import numpy as np
import pytest

from assistant.clock import LoopClock
from assistant.errors import AssistantError
from assistant.ports import Camera, Clock
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.camera import open_camera
from assistant.vision.pictures import write_picture
from tests.doubles.vision import flat_picture


def _picture(folder: Path) -> str:
    write_picture(folder / "one.png", flat_picture(40))
    return str(folder / "one.png")


def _pictures(folder: Path) -> str:
    for level in (10, 20, 30):
        write_picture(folder / f"{level}.png", flat_picture(level))
    return str(folder)


def _video(folder: Path) -> str:
    path = folder / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for index in range(20):
        writer.write(flat_picture(10 * index))
    writer.release()
    return str(path)


@pytest.fixture(params=[_picture, _pictures, _video], ids=["picture", "folder", "video"])
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    made: str = request.param(tmp_path)
    return made


def with_camera(spec: str, work: Callable[[Camera, Clock], Awaitable[None]]) -> None:
    async def main() -> None:
        clock = LoopClock()
        await work(open_camera(spec, clock), clock)

    run_in_virtual_time(main)


def test_delivers_rgb_of_this_very_moment(spec: str) -> None:
    async def work(camera: Camera, clock: Clock) -> None:
        assert camera.name
        await anyio.sleep(3.0)
        await camera.open()
        for _ in range(3):
            frame = await camera.read()
            assert frame is not None
            assert frame.pixels.shape == (48, 64, 3)
            assert frame.pixels.dtype == np.uint8
            assert frame.at_s == clock.monotonic_s()
            assert frame.source
            await anyio.sleep(0.3)
        await camera.close()

    with_camera(spec, work)


def test_a_frame_stays_as_it_was_when_the_next_one_comes(spec: str) -> None:
    """Frames are handed from stage to stage uncopied."""

    async def work(camera: Camera, clock: Clock) -> None:
        await camera.open()
        first = await camera.read()
        assert first is not None
        before = first.pixels.copy()
        await anyio.sleep(1.0)
        await camera.read()
        assert np.array_equal(first.pixels, before)
        await camera.close()

    with_camera(spec, work)


def test_can_be_closed_twice_and_opened_again(spec: str) -> None:
    """Muting closes the camera; unmuting opens it."""

    async def work(camera: Camera, clock: Clock) -> None:
        await camera.close()
        for _ in range(2):
            await camera.open()
            frame = await camera.read()
            assert frame is not None
            await camera.close()
            await camera.close()

    with_camera(spec, work)


def test_a_closed_camera_raises_instead_of_showing_what_is_past(spec: str) -> None:
    async def work(camera: Camera, clock: Clock) -> None:
        with pytest.raises(AssistantError, match="closed"):
            await camera.read()
        await camera.open()
        await camera.close()
        with pytest.raises(AssistantError, match="closed"):
            await camera.read()

    with_camera(spec, work)


def test_what_is_no_picture_is_an_error_that_names_it_when_opened(spec: str) -> None:
    """The file was there when the camera was chosen, and is something else when it is opened."""

    path = Path(spec)
    files = list(path.iterdir()) if path.is_dir() else [path]

    async def work(camera: Camera, clock: Clock) -> None:
        for file in files:
            file.write_text("hello")
        with pytest.raises(AssistantError) as raised:
            await camera.open()
        assert path.stem in raised.value.message
        await camera.close()

    with_camera(spec, work)
