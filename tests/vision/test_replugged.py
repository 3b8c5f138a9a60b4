"""A camera that comes back under another number is found by its name, and no other is taken for it."""

from __future__ import annotations

import threading
from pathlib import Path

import anyio
import cv2
import pytest

from assistant.clock import LoopClock
from assistant.config import VisionConfig
from assistant.errors import DeviceError
from assistant.events import Event, SceneState, StageFailed, StageRecovered
from assistant.vision import live_camera
from assistant.vision.camera import open_camera
from assistant.vision.scene import SceneReader
from assistant.vision.video4linux import NumberedCamera, cameras
from assistant.vision.watcher import SceneWatcher
from tests.doubles.video4linux import LEFT, OTHER, RIGHT, WEBCAM, Capture, Kernel
from tests.doubles.vision import BrightnessDetector, GivenFaces

pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel(tmp_path)
    monkeypatch.setattr(live_camera, "open_capture", kernel.open_capture)
    return kernel


async def moved(kernel: Kernel, number: int, *, spec: str = "0", port: str = LEFT) -> None:
    """Opened as number 0, it is pulled and plugged in again as another."""
    camera = open_camera(spec, LoopClock(), sysfs=kernel.sysfs)
    await camera.open()
    kernel.pull(0)
    kernel.plug(number, port=port)
    try:
        await camera.open()
        await camera.read()
    finally:
        await camera.close()


@pytest.mark.parametrize(("spec", "backend"), [("0", cv2.CAP_ANY), ("/dev/video0", cv2.CAP_V4L2)])
def test_the_watcher_looks_through_it_again_when_it_is_back_under_another_number(
    kernel: Kernel, spec: str, backend: int
) -> None:
    kernel.plug(0)
    kernel.plug(4, OTHER, RIGHT)
    events: list[Event] = []

    async def main() -> None:
        clock, back, seen = LoopClock(), anyio.Event(), anyio.Event()

        def take(event: Event) -> None:
            events.append(event)
            if isinstance(event, SceneState):
                seen.set()
            elif isinstance(event, StageRecovered):
                back.set()
            elif isinstance(event, StageFailed):
                kernel.plug(2, port=RIGHT)
                kernel.plug(3, port=RIGHT, index=1)  # metadata

        camera = open_camera(spec, clock, sysfs=kernel.sysfs)
        watcher = SceneWatcher(camera, SceneReader(BrightnessDetector(), GivenFaces()), VisionConfig(), clock, take)
        async with anyio.create_task_group() as group:
            group.start_soon(watcher.run)
            with anyio.fail_after(60):
                await seen.wait()
            kernel.pull(0)
            with anyio.fail_after(60):
                await back.wait()
            group.cancel_scope.cancel()
        await camera.close()

    anyio.run(main)
    assert kernel.opened == [(0, backend), (2, backend)]
    assert sum(isinstance(event, StageFailed) for event in events) == 1


def test_whoever_has_its_number_now_is_not_taken_for_it(kernel: Kernel) -> None:
    kernel.plug(0)

    async def main() -> None:
        camera = open_camera("0", LoopClock(), sysfs=kernel.sysfs)
        await camera.open()
        kernel.pull(0)
        kernel.plug(0, OTHER, RIGHT)
        with pytest.raises(DeviceError, match=f"no camera '{WEBCAM}' any more; .*/dev/video0 \\({OTHER}\\)") as gone:
            await camera.open()
        assert gone.value.remedy
        kernel.plug(1)
        await camera.open()
        await camera.close()

    anyio.run(main)
    assert [source for source, _ in kernel.opened] == [0, 1]


def test_of_two_that_are_alike_it_is_the_one_at_its_port(kernel: Kernel) -> None:
    kernel.plug(0)
    kernel.plug(1, port=RIGHT)
    anyio.run(moved, kernel, 2)
    assert [source for source, _ in kernel.opened] == [0, 2]


def test_one_that_cannot_be_opened_just_now_is_not_given_up_for_another_like_it(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.plug(0)
    kernel.plug(1, port=RIGHT)

    async def main() -> None:
        camera = open_camera("0", LoopClock(), sysfs=kernel.sysfs)
        await camera.open()
        monkeypatch.setattr(Capture, "isOpened", lambda capture: capture._number != 0)
        with pytest.raises(DeviceError, match="cannot be opened"):
            await camera.open()
        await camera.close()

    anyio.run(main)
    assert [source for source, _ in kernel.opened] == [0, 0]


def test_of_two_that_are_alike_and_elsewhere_it_is_the_first_that_opens(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.plug(0)
    kernel.plug(1, port=RIGHT)
    monkeypatch.setattr(Capture, "isOpened", lambda capture: capture._number != 1)
    anyio.run(lambda: moved(kernel, 2, port="usb2/2-1/2-1:1.0"))
    assert [source for source, _ in kernel.opened] == [0, 1, 2]


def test_a_driver_that_hangs_at_the_old_number_does_not_hold_up_the_new_one(kernel: Kernel) -> None:
    kernel.plug(0)

    async def main() -> None:
        camera = live_camera.LiveCamera(NumberedCamera(0, kernel.sysfs), cv2.CAP_ANY, "0", LoopClock(), timeout_s=3.0)
        await camera.open()
        kernel.hanging[0] = threading.Event()
        with pytest.raises(DeviceError, match="delivered no picture"), anyio.fail_after(60):
            while True:
                await camera.read()
        with pytest.raises(DeviceError, match="hangs"):
            await camera.open()
        kernel.pull(0)
        kernel.plug(1)
        await camera.open()
        await camera.read()
        await camera.close()
        kernel.hanging[0].set()

    anyio.run(main)
    assert [source for source, _ in kernel.opened] == [0, 1]


@pytest.mark.parametrize("error", [SystemExit("no more"), MemoryError("no more"), cv2.error("no more")], ids=repr)
def test_what_a_driver_raises_is_told_at_once_and_the_camera_opens_again(kernel: Kernel, error: BaseException) -> None:
    kernel.plug(0)

    async def main() -> None:
        camera = open_camera("0", LoopClock(), sysfs=kernel.sysfs)
        await camera.open()
        kernel.raising[0] = error
        with pytest.raises(DeviceError, match=r"The camera '0' failed: .*no more"):
            while True:
                await camera.read()
        assert kernel.released == [0]
        await camera.open()
        await camera.read()
        await camera.close()

    anyio.run(main)
    assert kernel.released == [0, 0]


def test_without_the_kernels_list_its_number_is_all_that_is_known(kernel: Kernel) -> None:
    async def main() -> None:
        camera = open_camera("0", LoopClock(), sysfs=kernel.sysfs / "nowhere")
        kernel.plug(0)
        for _ in range(2):
            await camera.open()
            await camera.close()

    anyio.run(main)
    assert [source for source, _ in kernel.opened] == [0, 0]


def test_capture_devices_are_listed_by_number_and_nothing_else_is(kernel: Kernel) -> None:
    kernel.plug(10, OTHER)
    kernel.plug(2)
    kernel.plug(3, index=1)
    (kernel.sysfs / "video7").mkdir()  # it goes while the list is read
    assert cameras(kernel.sysfs) == [("/dev/video2", WEBCAM), ("/dev/video10", OTHER)]
