"""The camera is switched off and on under the watcher."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from assistant.errors import DeviceError
from assistant.events import Box, Detection, SceneChange, SceneState, StageFailed, StageRecovered
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.vision import flat_picture
from tests.doubles.watched import NEAR, Scene, ScriptedDetector, ScriptedFaces, ScriptedPoses, play, wait


def test_muted_it_forgets_the_faces_that_it_compared():
    """A face in which nothing moves is a picture after half a minute; what that was known from must not be kept."""

    async def script(scene):
        await wait(60.0)(scene)
        taken_for_a_picture = len(scene.seen_faces)
        await wait(70.0)(scene)
        assert len(scene.seen_faces) == taken_for_a_picture > 0
        scene.watcher.pause()
        await wait(72.0)(scene)
        scene.watcher.resume()
        await wait(75.0)(scene)
        assert len(scene.seen_faces) > taken_for_a_picture

    play(lambda now_s: flat_picture(100), script, faces=[NEAR])


def test_pause_closes_the_camera_at_once_and_forgets():
    async def script(scene):
        await scene.clock.sleep_until(1.2)
        scene.watcher.pause()
        await scene.clock.sleep_until(1.3)
        assert not scene.camera.is_open
        assert scene.watcher.scene() is None
        with pytest.raises(DeviceError, match="switched off"):
            await scene.watcher.look()
        await scene.clock.sleep_until(20.0)
        scene.watcher.resume()
        await scene.clock.sleep_until(21.0)
        assert scene.camera.is_open
        assert scene.watcher.scene() is not None

    scene = play(lambda now_s: flat_picture(100), script)
    assert scene.detector.looked_at_s == [0.0, 20.0]
    assert scene.of(StageFailed) == []


def test_what_was_there_before_it_was_switched_off_has_not_gone_when_it_looks_again():
    async def script(scene):
        await scene.clock.sleep_until(8.0)
        assert [change.kind for change in scene.watcher.happened()] == ["appeared"]
        scene.watcher.pause()
        assert not scene.watcher.happened()
        await scene.clock.sleep_until(20.0)
        scene.watcher.resume()
        await scene.clock.sleep_until(30.0)
        assert not scene.watcher.happened()

    scene = play(lambda now_s: flat_picture(200 if 4.0 <= now_s < 8.0 else 30), script)
    assert [change.kind for change in scene.of(SceneChange)] == ["appeared"]


@pytest.mark.parametrize("network", ["objects", "faces", "pose"])
def test_nothing_of_a_look_counts_during_which_it_was_switched_off(network):
    """Somebody asks what there is to see, and while that network works the camera is switched off."""
    pauses = []

    def work(name):
        if name == network and pauses:
            pauses.pop()()

    def objects(at_s):
        work("objects")
        return [Detection("person", 0.9, Box(0.3, 0.1, 0.6, 0.9))] if at_s < 20.0 else []

    def faces():
        work("faces")
        return [NEAR]

    def lies(at_s, box):
        work("pose")
        return False

    async def script(scene):
        async def want_poses():
            async for _ in scene.watcher.watch({"lying"}):
                raise AssertionError("nobody lies")

        async with anyio.create_task_group() as group:
            group.start_soon(want_poses)
            await scene.clock.sleep_until(8.4)
            loop = asyncio.get_running_loop()
            pauses.append(lambda: loop.call_soon_threadsafe(scene.watcher.pause))
            shown = len(scene.seen_faces)
            with pytest.raises(DeviceError, match="switched off"):
                await scene.watcher.look()
            assert scene.watcher.scene() is None
            assert network != "faces" or len(scene.seen_faces) == shown
            await scene.clock.sleep_until(20.0)
            scene.watcher.resume()
            await scene.clock.sleep_until(30.0)
            group.cancel_scope.cancel()

    networks = {"detector": ScriptedDetector(objects), "faces": ScriptedFaces(faces), "pose": ScriptedPoses(lies)}
    scene = play(lambda now_s: flat_picture(100), script, **networks)
    assert not [state for state in scene.of(SceneState) if 8.2 < state.at_s < 20.0]
    assert scene.of(SceneChange) == [], "nobody who left was there since it looks again"


def test_pausing_while_a_look_ends_is_no_failure_of_the_camera():
    """Whoever hears that the networks work again switches it off: the look that tells it has not ended yet."""

    async def script(scene):
        def pause_when_it_recovers(event):
            scene.events.append(event)
            if isinstance(event, StageRecovered):
                scene.watcher.pause()

        scene.hear = pause_when_it_recovers
        scene.detector.broken = True
        await scene.clock.sleep_until(12.0)
        scene.detector.broken = False
        await scene.clock.sleep_until(20.0)
        assert not scene.camera.is_open
        with pytest.raises(DeviceError, match="switched off"):
            await scene.watcher.look()
        scene.watcher.resume()
        await scene.clock.sleep_until(21.0)
        assert scene.camera.is_open

    scene = play(lambda now_s: flat_picture(100), script)
    assert [event.stage for event in scene.of(StageFailed)] == ["vision"]
    assert [event.stage for event in scene.of(StageRecovered)] == ["vision"]


def test_pausing_twice_is_pausing_once():
    async def script(scene):
        await scene.clock.sleep_until(1.2)
        scene.watcher.pause()
        await scene.clock.sleep_until(2.0)
        scene.watcher.pause()
        await scene.clock.sleep_until(3.0)
        scene.watcher.resume()
        await scene.clock.sleep_until(4.0)
        assert scene.camera.is_open

    play(lambda now_s: flat_picture(100), script)


def test_pausing_again_at_once_keeps_the_camera_closed():
    async def script(scene):
        await scene.clock.sleep_until(1.2)
        scene.watcher.pause()
        await scene.clock.sleep_until(2.0)
        scene.watcher.resume()
        scene.watcher.pause()
        await scene.clock.sleep_until(4.0)
        assert not scene.camera.is_open
        scene.watcher.resume()
        await scene.clock.sleep_until(5.0)
        assert scene.camera.is_open

    play(lambda now_s: flat_picture(100), script)


def test_pause_before_the_start_keeps_the_camera_closed():
    async def main():
        scene = Scene(lambda now_s: flat_picture(100))
        scene.watcher.pause()
        async with scene.running():
            await scene.clock.sleep_until(5.0)
        return scene

    assert run_in_virtual_time(main).camera.opened == 0
