"""A camera or a network fails under the watcher: it is announced once, and looked for again."""

from __future__ import annotations

import pytest

from assistant.errors import DeviceError, ModelError, StageError
from assistant.events import SceneState, StageFailed, StageRecovered
from tests.doubles.vision import FakeCamera, flat_picture
from tests.doubles.watched import play, wait


def test_failing_camera_is_announced_once_reopened_with_pauses_and_recovers():
    def picture(now_s):
        return DeviceError("Unplugged.", remedy="Plug it in.") if 2.0 < now_s < 20.0 else flat_picture(100)

    scene = play(picture, wait(40.0))
    [failed], [recovered] = scene.of(StageFailed), scene.of(StageRecovered)
    assert (failed.stage, failed.error, failed.remedy) == ("camera", "Unplugged.", "Plug it in.")
    assert recovered.stage == "camera"
    assert failed.at_s == 2.5
    # Retries after 0.5, 1, 2 and from then on every 3 seconds.
    assert recovered.at_s == 21.0
    assert scene.camera.opened == 9
    assert scene.of(SceneState)[-1].at_s > 20.0


def test_a_camera_that_comes_back_during_a_long_try_is_not_kept_waiting_after_it():
    """A network camera that is starting takes the call and says nothing: that try is lost, the next one is not."""

    class Starting(FakeCamera):
        back_at_s = None

        async def open(self):
            began_s = self._clock.monotonic_s()
            if self.opened == 8:
                self.back_at_s = began_s + 0.1
            if self.opened and (self.back_at_s is None or began_s < self.back_at_s):
                self.opened += 1
                await self._clock.sleep_until(began_s + 4.0)
                raise DeviceError("It says nothing.")
            await super().open()

    def picture(now_s):
        return DeviceError("The stream ended.") if 2.0 < now_s < 3.0 else flat_picture(100)

    scene = play(picture, wait(90.0), camera=Starting)
    [recovered] = scene.of(StageRecovered)
    assert recovered.at_s <= scene.camera.back_at_s + 5.0


def test_camera_that_raises_an_error_of_its_own_has_failed_like_any_other():
    def picture(now_s):
        return OSError(19, "No such device") if now_s < 0.2 or 2.0 < now_s < 20.0 else flat_picture(100)

    scene = play(picture, wait(40.0))
    failures = scene.of(StageFailed)
    assert [failure.stage for failure in failures] == ["camera", "camera"]
    assert all("'fake'" in failure.error and "No such device" in failure.error for failure in failures)
    assert failures[0].remedy
    assert len(scene.of(StageRecovered)) == 2
    assert scene.of(SceneState)[-1].at_s > 20.0


def test_camera_that_is_missing_from_the_start():
    scene = play(lambda now_s: DeviceError("No camera."), wait(30.0))
    assert len(scene.of(StageFailed)) == 1
    assert scene.watcher.scene() is None


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), ModelError("The engine is out of memory.")])
def test_failing_network_is_announced_once_and_recovers(error):
    async def script(scene):
        scene.detector.broken, scene.detector.raises = True, error
        await scene.clock.sleep_until(12.0)
        with pytest.raises((StageError, ModelError), match="out of memory"):
            await scene.watcher.look()
        scene.detector.broken = False
        await scene.clock.sleep_until(20.0)

    scene = play(lambda now_s: flat_picture(100), script)
    assert [event.stage for event in scene.of(StageFailed)] == ["vision"]
    assert [event.stage for event in scene.of(StageRecovered)] == ["vision"]
    assert scene.camera.opened == 1


def test_look_at_a_broken_camera_says_why():
    async def script(scene):
        await scene.clock.sleep_until(1.0)
        with pytest.raises(DeviceError, match="No camera"):
            await scene.watcher.look()

    play(lambda now_s: DeviceError("No camera."), script)
