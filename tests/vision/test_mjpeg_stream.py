"""A network camera, real from the socket on: it streams, freezes, stalls, goes and comes back."""

from __future__ import annotations

import anyio
import cv2
import pytest

from assistant.clock import LoopClock
from assistant.config import VisionConfig
from assistant.errors import DeviceError
from assistant.events import Event, SceneState, StageFailed, StageRecovered
from assistant.ports import Camera
from assistant.vision.camera import open_camera
from assistant.vision.live_camera import LiveCamera
from assistant.vision.scene import SceneReader
from assistant.vision.watcher import SceneWatcher
from tests.doubles.memory import shapes_reachable_from
from tests.doubles.mjpeg import NetworkCamera
from tests.doubles.vision import BrightnessDetector, GivenFaces

pytestmark = pytest.mark.usefixtures("clean")


def test_an_mjpeg_stream_is_a_camera() -> None:
    async def main() -> None:
        with NetworkCamera() as network:
            clock = LoopClock()
            camera = open_camera(network.address, clock, frozen_s=0.5)
            await camera.open()
            first = await camera.read()
            assert first is not None and first.pixels.shape == (48, 64, 3)
            network.level = 200
            with anyio.fail_after(60):
                while (frame := await camera.read()) is not None and frame.pixels.mean() < 180:
                    pass
            assert frame is not None and 0 <= clock.monotonic_s() - frame.at_s < 5
            await camera.close()

    anyio.run(main)


@pytest.mark.parametrize(("shows", "told"), [("still", "the same picture"), ("black", "nothing but one colour")])
def test_a_frozen_stream_is_told_until_its_picture_changes(shows: str, told: str) -> None:
    async def main() -> None:
        with NetworkCamera() as network:
            camera = open_camera(network.address, LoopClock(), frozen_s=0.3)
            await camera.open()
            network.shows = shows
            with pytest.raises(DeviceError, match=told), anyio.fail_after(60):
                while True:
                    await camera.read()
            with pytest.raises(DeviceError, match="frozen"):
                await camera.open()
            network.shows = "noise"
            with anyio.fail_after(60):
                await _opened(camera)
            await camera.close()

    anyio.run(main)


def test_a_picture_that_a_program_draws_is_let_pass_where_that_is_configured() -> None:
    async def main() -> None:
        with NetworkCamera() as network:
            network.shows = "still"
            camera = open_camera(network.address, LoopClock())
            await camera.open()
            for _ in range(10):
                assert await camera.read() is not None
            await camera.close()

    anyio.run(main)


def test_a_stream_that_stalls_or_goes_is_lost_and_comes_back() -> None:
    async def main() -> None:
        with NetworkCamera() as network:
            camera = LiveCamera(network.address, cv2.CAP_FFMPEG, "network", LoopClock(), timeout_s=2.0)
            with anyio.fail_after(60):
                await _opened(camera)
            network.stalls = True
            with pytest.raises(DeviceError, match="delivered no picture"), anyio.fail_after(60):
                while True:
                    await camera.read()
            network.stalls = False
            with anyio.fail_after(60):
                await _opened(camera)
        with pytest.raises(DeviceError, match=r"stopped delivering|no picture"), anyio.fail_after(60):
            while True:
                await camera.read()
        with NetworkCamera(network.port), anyio.fail_after(60):
            await _opened(camera)
            assert await camera.read() is not None
            await camera.close()

    anyio.run(main)


class Watched:
    """A network camera with the watcher that looks through it."""

    def __init__(self, network: NetworkCamera, **settings: float) -> None:
        self.clock = LoopClock()
        self.camera = open_camera(network.address, self.clock, **settings)
        reader = SceneReader(BrightnessDetector(), GivenFaces())
        self.watcher = SceneWatcher(self.camera, reader, VisionConfig(), self.clock, self._take)
        self.failures: list[StageFailed] = []
        self.seen = anyio.Event()
        self.back = anyio.Event()

    def _take(self, event: Event) -> None:
        if isinstance(event, StageFailed):
            self.failures.append(event)
        elif isinstance(event, SceneState):
            self.seen.set()
        elif isinstance(event, StageRecovered):
            self.back.set()


def test_what_a_look_finds_lost_nobody_waits_for_again() -> None:
    """Someone speaks just when the stream ends: the question and the next tick of the watcher must not wait for it."""

    async def main() -> None:
        with NetworkCamera() as network:
            watched = Watched(network)
            watched.watcher.limit_rate(0.5)
            async with anyio.create_task_group() as group:
                group.start_soon(watched.watcher.run)
                with anyio.fail_after(60):
                    await watched.seen.wait()
                network.end_streams()
                for _ in range(2):
                    with pytest.raises(DeviceError, match="stopped delivering"), anyio.fail_after(60):
                        while True:
                            await watched.watcher.look()
                            await anyio.sleep(0.02)
                with anyio.fail_after(60):
                    await watched.back.wait()
                group.cancel_scope.cancel()
            await watched.camera.close()
            [failure] = watched.failures
            assert "stopped delivering" in failure.error

    anyio.run(main)


def test_muted_it_keeps_no_picture_in_memory() -> None:
    async def main() -> None:
        with NetworkCamera() as network:
            watched = Watched(network, frozen_s=10.0)
            async with anyio.create_task_group() as group:
                group.start_soon(watched.watcher.run)
                with anyio.fail_after(60):
                    await watched.seen.wait()
                await watched.watcher.look()
                assert (48, 64, 3) in shapes_reachable_from(watched.watcher)
                watched.watcher.pause()
                with pytest.raises(DeviceError, match="closed"), anyio.fail_after(60):
                    while True:
                        await watched.camera.read()
                assert shapes_reachable_from(watched.watcher, watched.camera) == set()
                group.cancel_scope.cancel()

    anyio.run(main)


def test_a_connection_that_dies_without_a_word_is_given_up_for_a_new_one(capfd: pytest.CaptureFixture[str]) -> None:
    """The Wi-Fi drops: no end of the stream is ever told."""

    async def main() -> None:
        with NetworkCamera() as network:
            camera = open_camera(network.address, LoopClock())
            await camera.open()
            network.lose_connections()
            with pytest.raises(DeviceError), anyio.fail_after(60):
                while True:
                    await camera.read()
            with anyio.fail_after(60):
                await _opened(camera)
            assert await camera.read() is not None
            await camera.close()

    anyio.run(main)
    assert tuple(capfd.readouterr()) == ("", "")


async def _opened(camera: Camera) -> None:
    """Open it as the watcher does: again and again."""
    while True:
        try:
            return await camera.open()
        except DeviceError:
            await anyio.sleep(0.05)
