"""Cameras made of files in virtual time, and live ones on what stands in for a device."""

from __future__ import annotations

import socket
import threading
import time

import anyio
import anyio.lowlevel
import cv2
import numpy as np
import pytest

from assistant.clock import LoopClock
from assistant.errors import DeviceError, MediaError
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.camera import open_camera
from assistant.vision.file_cameras import PictureCamera
from assistant.vision.live_camera import LiveCamera
from assistant.vision.pictures import write_picture
from tests.doubles.vision import flat_picture

pytestmark = pytest.mark.usefixtures("clean")
FPS = 10
FRAMES = 20


@pytest.fixture(autouse=True)
def silent(capfd, clean):
    """OpenCV and its libraries keep quiet whatever goes wrong."""
    yield
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.fixture
def folder(tmp_path):
    """Pictures a.png, b.png, c.png of brightness 10, 20, 30, and something else."""
    for name, level in (("b", 20), ("a", 10), ("c", 30)):
        write_picture(tmp_path / f"{name}.png", flat_picture(level))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """Two seconds at 10 frames a second; frame n has the brightness 10 n."""
    path = tmp_path_factory.mktemp("video") / "steps.avi"
    # Not by FFmpeg, which takes its loudness from its first user for good: that must be the product.
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter_fourcc(*"MJPG"), FPS, (64, 48))
    for index in range(FRAMES):
        writer.write(flat_picture(10 * index))
    writer.release()
    return path


def watch(camera_of, *times_s):
    """(brightness, at_s) of what a camera shows at these virtual times; None after its end."""

    async def main():
        clock = LoopClock()
        camera = camera_of(clock)
        await camera.open()
        seen = []
        for at_s in times_s:
            await clock.sleep_until(at_s)
            frame = await camera.read()
            seen.append(frame and (round(float(frame.pixels.mean())), frame.at_s))
        await camera.close()
        await camera.close()
        return seen

    return run_in_virtual_time(main)


def test_folder_is_shown_by_name_round_and_round(folder):
    seen = watch(lambda clock: open_camera(str(folder), clock, seconds_each=2.0), 0, 1.9, 2.0, 4.5, 6.0)
    assert seen == [(10, 0), (10, 1.9), (20, 2.0), (30, 4.5), (10, 6.0)]


def test_glob_and_single_picture(folder):
    assert watch(lambda clock: open_camera(f"{folder}/[bc].png", clock, seconds_each=1.0), 0, 1, 2) == [
        (20, 0),
        (30, 1),
        (20, 2),
    ]
    assert watch(lambda clock: open_camera(f"{folder}/c.png", clock), 0, 1000) == [(30, 0), (30, 1000)]


def test_schedule(folder):
    schedule = [(1.0, folder / "c.png"), (5.0, folder / "a.png")]
    seen = watch(lambda clock: PictureCamera([], clock, schedule=schedule), 0, 1, 4.9, 5, 50)
    assert [level for level, _ in seen] == [30, 30, 30, 10, 10]


def test_show_changes_the_picture(folder):
    async def main():
        camera = PictureCamera([folder / "a.png"], LoopClock())
        await camera.open()
        camera.show(folder / "c.png")
        shown = await camera.read()
        await camera.close()
        return shown.pixels[0, 0, 0], shown.source

    assert run_in_virtual_time(main) == (30, "c.png")


def test_without_pictures_it_opens_at_the_first_one_shown(folder):
    async def main():
        clock = LoopClock()
        camera = PictureCamera([], clock)
        async with anyio.create_task_group() as group:
            group.start_soon(camera.open)
            await clock.sleep_until(3.0)
            with pytest.raises(MediaError, match="closed"):
                await camera.read()
            camera.show(folder / "c.png")
        return (await camera.read()).source

    assert run_in_virtual_time(main) == "c.png"


def test_picture_that_is_none_is_named_and_the_next_one_works(folder):
    (folder / "b.png").write_text("a text")

    async def main():
        clock = LoopClock()
        camera = open_camera(str(folder), clock, seconds_each=1.0)
        await camera.open()
        await clock.sleep_until(1.0)
        with pytest.raises(MediaError, match=r"b\.png"):
            await camera.read()
        await clock.sleep_until(2.0)
        return (await camera.read()).source

    assert run_in_virtual_time(main) == "c.png"


def test_video_plays_at_its_own_speed_and_ends(video):
    seen = watch(lambda clock: open_camera(str(video), clock), 0, 0.05, 0.5, 1.0, 1.95, 2.05, 3.0)
    assert [frame and frame[0] for frame in seen] == pytest.approx([0, 0, 50, 100, 190, None, None], abs=3)
    assert [frame and frame[1] for frame in seen[:5]] == [0, 0.05, 0.5, 1.0, 1.95]


def test_video_can_be_opened_again(video):
    async def main():
        clock = LoopClock()
        camera = open_camera(str(video), clock)
        await camera.open()
        await clock.sleep_until(10.0)
        assert await camera.read() is None
        await camera.open()
        level = float((await camera.read()).pixels.mean())
        await camera.close()
        return level

    assert run_in_virtual_time(main) == pytest.approx(0, abs=3)


@pytest.mark.parametrize("name", ["nothing.mp4", "empty_folder", "*.jpeg", "rtsp_without_scheme"])
def test_nothing_to_show(tmp_path, name):
    (tmp_path / "empty_folder").mkdir()
    with pytest.raises(MediaError, match=r"no camera or file|no pictures") as caught:
        open_camera(str(tmp_path / name), LoopClock())
    assert name in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 5000])
@pytest.mark.parametrize("name", ["film.mp4", "photo.png"])
def test_file_that_is_no_film_or_picture(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    async def main():
        with pytest.raises(MediaError, match=name):
            await open_camera(str(tmp_path / name), LoopClock()).open()

    run_in_virtual_time(main)


@pytest.mark.parametrize(
    "spec", ["93", "/dev/video93", "rtsp://user:secret@127.0.0.1:1/stream", "http://127.0.0.1:1/stream.mjpg"]
)
def test_device_that_is_not_there_is_named_without_its_password(spec):
    async def main():
        camera = open_camera(spec, LoopClock())
        with pytest.raises(DeviceError) as caught:
            await camera.open()
        await camera.close()
        return str(caught.value)

    message = anyio.run(main)
    assert spec.rpartition("@")[2] in message
    assert "secret" not in message
    assert "assistant devices" in message


def test_gstreamer_without_gstreamer_says_so():
    if cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        pytest.skip("this OpenCV has GStreamer")

    async def main():
        await open_camera("videotestsrc ! appsink", LoopClock()).open()

    with pytest.raises(DeviceError, match="no GStreamer"):
        anyio.run(main)


def test_live_stream_delivers_and_its_end_is_an_error(video):
    """A file read as a stream: it delivers as fast as it is read, then stops, as an unplugged camera does."""

    async def main():
        camera = LiveCamera(str(video), cv2.CAP_ANY, "a stream", LoopClock())
        await camera.open()
        first = await camera.read()
        second = await camera.read()
        assert second.at_s >= first.at_s
        with pytest.raises(DeviceError, match="'a stream' stopped delivering"):
            for _ in range(FRAMES + 1):
                frame = await camera.read()
                assert frame.pixels.shape == (48, 64, 3)
        await camera.open()
        again = await camera.read()
        await camera.close()
        await camera.close()
        with pytest.raises(DeviceError, match="closed"):
            await camera.read()
        return again.pixels.dtype

    assert anyio.run(main) == np.uint8


@pytest.fixture(scope="session")
def long_video(tmp_path_factory):
    """Lasts for seconds, however fast it is read."""
    path = tmp_path_factory.mktemp("video") / "long.avi"
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter_fourcc(*"MJPG"), FPS, (64, 48))
    for _ in range(1000):
        writer.write(flat_picture(10))
    writer.release()
    return path


def test_a_frame_that_somebody_asked_for_and_left_is_given_to_nobody(long_video):
    async def main():
        clock = LoopClock()
        camera = LiveCamera(str(long_video), cv2.CAP_ANY, "a stream", clock)
        await camera.open()
        async with anyio.create_task_group() as group:
            group.start_soon(camera.read)
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        for _ in range(3):
            await anyio.sleep(0.2)
            asked_at_s = clock.monotonic_s()
            assert (await camera.read()).at_s >= asked_at_s
        await camera.close()

    anyio.run(main)


def test_a_frame_is_as_old_as_it_is_however_late_it_is_taken(long_video):
    """The loop is busy while the frame arrives."""

    async def main():
        clock = LoopClock()
        camera = LiveCamera(str(long_video), cv2.CAP_ANY, "a stream", clock)
        await camera.open()
        frames = []

        async def read():
            frames.append(await camera.read())

        async with anyio.create_task_group() as group:
            group.start_soon(read)
            await anyio.lowlevel.checkpoint()
            time.sleep(0.5)  # noqa: ASYNC251 (that is what is tested)
            free_again_s = clock.monotonic_s()
        await camera.close()
        return frames[0].at_s, free_again_s

    grabbed_s, free_again_s = anyio.run(main)
    assert grabbed_s < free_again_s


def test_driver_that_hangs_costs_one_thread_however_often_it_is_tried():
    """A server that takes the call and never says a word."""

    def threads():
        return [thread for thread in threading.enumerate() if thread.name == "camera"]

    async def main(address):
        camera = LiveCamera(address, cv2.CAP_FFMPEG, "a stream", LoopClock(), timeout_s=0.1)
        with pytest.raises(DeviceError, match="no picture"):
            await camera.open()
        for _ in range(2):
            with pytest.raises(DeviceError, match="'a stream' hangs") as caught:
                await camera.open()
            assert caught.value.remedy
        [hanging] = threads()
        accepted, _ = server.accept()
        accepted.close()
        server.close()
        await anyio.to_thread.run_sync(hanging.join, 20)
        with pytest.raises(DeviceError, match=r"cannot be opened|no picture"):
            await camera.open()
        await camera.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        anyio.run(main, f"http://127.0.0.1:{server.getsockname()[1]}/stream.mjpg")
