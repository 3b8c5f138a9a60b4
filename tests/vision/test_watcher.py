"""What the watcher looks at and how often, and what it tells of."""

from __future__ import annotations

import anyio
import pytest

from assistant.errors import DeviceError
from assistant.events import Box, Detection, Face, SceneChange, SceneState, StageFailed
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.vision import flat_picture
from tests.doubles.watched import NEAR, Scene, ScriptedDetector, ScriptedPoses, play, wait

FAR = Face(Box(0.8, 0.1, 0.9, 0.2), 0.9)


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
