"""The watcher in virtual time, with a camera and networks that do as they are told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import anyio
import pytest

from assistant.clock import LoopClock
from assistant.config import VisionConfig
from assistant.errors import DeviceError, ModelError, StageError
from assistant.events import Box, Detection, Face, SceneChange, SceneState, StageFailed, StageRecovered
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.scene import SceneReader
from assistant.vision.watcher import SceneWatcher
from tests.doubles.vision import BrightnessDetector, FakeCamera, GivenFaces, flat_picture
from tests.vision.test_pose import lying, standing

CONFIG = VisionConfig(rate_hz=2.0, still_s=5.0)
NEAR, FAR = Face(Box(0.1, 0.1, 0.6, 0.8), 0.7), Face(Box(0.8, 0.1, 0.9, 0.2), 0.9)


class ScriptedDetector:
    """Finds `objects(at_s)`."""

    labels = ("person", "chair")

    def __init__(self, objects):
        self._objects = objects

    def detect(self, frame):
        return self._objects(frame.at_s)


class ScriptedFaces:
    """Finds `faces()`."""

    def __init__(self, faces):
        self._faces = faces

    def detect(self, frame):
        return self._faces()


class ScriptedPoses:
    """Whoever is in a box lies if `lies(at_s, box)`, else stands."""

    def __init__(self, lies):
        self._lies = lies

    def estimate(self, frame, person):
        return lying() if self._lies(frame.at_s, person) else standing()


class Scene:
    """A watcher with everything around it."""

    def __init__(self, picture, faces=(), detector=None, pose=None, camera=FakeCamera):
        self.events = []
        self.hear = self.events.append
        self.seen_faces = []
        self.clock = LoopClock()
        self.camera = camera(self.clock, picture)
        self.detector = detector or BrightnessDetector()
        faces_finder = faces if isinstance(faces, ScriptedFaces) else GivenFaces(*faces)
        self.watcher = SceneWatcher(
            self.camera,
            SceneReader(self.detector, faces_finder, pose=pose),
            CONFIG,
            self.clock,
            lambda event: self.hear(event),
            on_face=self.show,
        )

    async def show(self, evidence):
        self.seen_faces.append(evidence)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @asynccontextmanager
    async def running(self):
        async with anyio.create_task_group() as group:
            group.start_soon(self.watcher.run)
            yield
            group.cancel_scope.cancel()


def play(picture, script, **settings):
    """Run `script(scene)` beside a watcher that sees `picture(now_s)`."""

    async def main():
        scene = Scene(picture, **settings)
        async with scene.running():
            await script(scene)
        return scene

    return run_in_virtual_time(main)


def wait(seconds):
    async def script(scene):
        await scene.clock.sleep_until(seconds)

    return script


def test_still_scene_is_looked_at_seldom():
    scene = play(lambda now_s: flat_picture(100), wait(19.9))
    assert scene.detector.looked_at_s == [0.0, 5.0, 10.0, 15.0]


def test_moving_scene_is_looked_at_at_the_rate():
    scene = play(lambda now_s: flat_picture(int(now_s * 2) * 40 % 250), wait(3.9))
    assert scene.detector.looked_at_s == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]


def test_a_limited_rate_holds_until_it_is_lifted_and_questions_are_still_answered():
    async def script(scene):
        scene.watcher.limit_rate(0.5)
        await scene.clock.sleep_until(5.0)
        await scene.watcher.look()
        scene.watcher.limit_rate(None)
        await scene.clock.sleep_until(7.9)

    scene = play(lambda now_s: flat_picture(int(now_s * 2) * 40 % 250), script)
    assert scene.detector.looked_at_s == [0.0, 2.0, 4.0, 5.0, 6.0, 6.5, 7.0, 7.5]


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, float("nan")])
def test_a_rate_that_is_none_is_refused(rate_hz):
    async def script(scene):
        with pytest.raises(ValueError, match="above 0 Hz"):
            scene.watcher.limit_rate(rate_hz)

    play(lambda now_s: flat_picture(100), script)


def test_changes_are_told_to_whoever_watches_and_remembered():
    """The detector's dog is as sure as the picture is bright: it comes at 4 s and goes at 12 s."""
    told = []

    async def script(scene):
        async def listen():
            async for change in scene.watcher.watch({"appeared"}):
                told.append(change.kind)

        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            await scene.clock.sleep_until(30.0)
            group.cancel_scope.cancel()
        assert [change.kind for change in scene.watcher.happened()] == ["appeared", "vanished"]

    scene = play(lambda now_s: flat_picture(200 if 4.0 <= now_s < 12.0 else 30), script)
    assert told == ["appeared"]
    assert [change.at_s for change in scene.of(SceneChange)] == [4.0, 12.0]


def test_who_gets_up_from_a_chair_has_left_and_is_not_counted_any_more():
    """The chair is found only once nobody sits in it, in the same place."""
    box, got_up_at_s = Box(0.3, 0.3, 0.6, 0.9), 1000.0

    def objects(at_s):
        return [Detection("person" if at_s < got_up_at_s else "chair", 0.8, box)]

    def picture(now_s):
        return flat_picture(100 if now_s < got_up_at_s else 200)

    scene = play(picture, wait(got_up_at_s + 10.0), detector=ScriptedDetector(objects))
    assert [(change.kind, change.subject) for change in scene.of(SceneChange) if change.kind == "left"] == [
        ("left", "person")
    ]
    assert [item.label for item in scene.of(SceneState)[-1].tracks] == ["chair"]


def test_each_of_two_who_lie_is_told_of_once_whoever_is_nearer_and_nobody_for_another():
    """The first lies from the start, the other from 20 s on; until 30 s they are in turns the larger one."""

    def objects(at_s):
        grown = 0.1 * (at_s % 4 < 2) if at_s < 30 else 0.0
        first, other = Box(0.05, 0.6, 0.4 + grown, 0.8), Box(0.55, 0.6, 0.95, 0.8)
        return [Detection("person", 0.8, first), Detection("person", 0.8, other)]

    async def watch_poses(scene):
        async def listen():
            async for _ in scene.watcher.watch({"lying"}):
                pass

        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            await scene.clock.sleep_until(60.0)
            group.cancel_scope.cancel()

    poses = ScriptedPoses(lambda at_s, box: box.center[0] < 0.5 or at_s >= 20.0)
    scene = play(lambda now_s: flat_picture(100), watch_poses, detector=ScriptedDetector(objects), pose=poses)
    told = [(change.kind, change.track_id) for change in scene.of(SceneChange)]
    assert told == [("lying", 1), ("lying", 2)]


def test_a_scene_carries_its_tracks_and_what_it_cost():
    scene = play(lambda now_s: flat_picture(200), wait(11.0))
    states = scene.of(SceneState)
    assert [[track.track_id for track in state.tracks] for state in states] == [[1]] * 3
    assert states[-1].tracks[0].first_seen_at_s == 0.0
    assert set(states[0].compute_s) == {"objects", "faces"}


def test_without_anyone_faces_are_looked_for_seldom():
    scene = play(lambda now_s: flat_picture(100), wait(39.0))
    assert [("faces" in state.compute_s) for state in scene.of(SceneState)] == [
        True,
        False,
        False,
        True,
        *[False] * 2,
        True,
        False,
    ]


def test_without_the_pose_network_poses_cannot_be_watched():
    async def script(scene):
        assert scene.watcher.can_watch("came")
        assert not scene.watcher.can_watch("lying")

    play(lambda now_s: flat_picture(100), script)


def test_noise_is_no_movement_but_slow_change_adds_up():
    scene = play(lambda now_s: flat_picture(100 + int(now_s * 10)), wait(4.9))
    assert scene.detector.looked_at_s == [0.0, 1.5, 3.0, 4.5]


def test_scene_carries_time_and_picture():
    scene = play(lambda now_s: flat_picture(255), wait(1.0))
    [state] = scene.of(SceneState)
    assert (state.at_s, state.source) == (0.0, "fake")
    assert state.objects[0].confidence == 1.0
    assert state.frame.pixels[0, 0, 0] == 255
    assert scene.watcher.scene() == state


def test_the_nearest_face_is_handed_on():
    scene = play(lambda now_s: flat_picture(100), wait(1.0), faces=[FAR, NEAR])
    assert [evidence.face for evidence in scene.seen_faces] == [NEAR]
    assert scene.of(SceneState)[0].faces == (FAR, NEAR)


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


def test_look_sees_what_is_there_now():
    async def script(scene):
        await scene.clock.sleep_until(3.2)
        state = await scene.watcher.look()
        assert state.at_s == 3.2
        await scene.clock.sleep_until(3.4)
        assert await scene.watcher.look() == state

    scene = play(lambda now_s: flat_picture(100), script)
    assert scene.detector.looked_at_s == [0.0, 3.2]


def test_what_comes_as_someone_begins_to_speak_is_settled_at_the_rate():
    """A dog that is not sure comes just before the look that a voice asks for."""

    async def script(scene):
        await scene.clock.sleep_until(13.2)
        await scene.watcher.look()
        await scene.clock.sleep_until(14.8)

    scene = play(lambda now_s: flat_picture(30 if now_s < 13.1 else 115), script)
    assert scene.detector.looked_at_s == [0.0, 5.0, 10.0, 13.2, 13.5, 14.0, 14.5]
    assert [(change.kind, change.at_s) for change in scene.of(SceneChange) if change.kind != "motion"] == [
        ("appeared", 13.2)
    ]


def test_look_at_a_broken_camera_says_why():
    async def script(scene):
        await scene.clock.sleep_until(1.0)
        with pytest.raises(DeviceError, match="No camera"):
            await scene.watcher.look()

    play(lambda now_s: DeviceError("No camera."), script)


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


def test_the_end_of_a_film_ends_the_watch_and_keeps_the_last_scene():
    async def main():
        scene = Scene(lambda now_s: None if now_s > 3.0 else flat_picture(100))
        await scene.watcher.run()
        assert scene.watcher.scene() is not None
        with pytest.raises(DeviceError, match="end"):
            await scene.watcher.look()
        return scene

    scene = run_in_virtual_time(main)
    assert not scene.camera.is_open
    assert scene.of(StageFailed) == []
