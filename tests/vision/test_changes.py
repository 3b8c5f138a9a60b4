"""What is told of a scene: given looks through the whole memory, with flicker, loss and darkness."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.events import Box, Detection, SceneChange, SceneState, VideoFrame
from assistant.vision.memory import SceneMemory
from assistant.vision.motion import MotionGate

LEFT, RIGHT = Box(0.05, 0.2, 0.3, 0.9), Box(0.65, 0.2, 0.9, 0.9)
RED, GRAY = (200, 20, 20), (128, 128, 128)


def person(box=LEFT, confidence=0.7):
    return Detection("person", confidence, box)


def cup(box=LEFT, confidence=0.7):
    return Detection("cup", confidence, box)


def picture(*things, level=128):
    """A gray room; every thing is a red block."""
    pixels = np.full((96, 128, 3), level, np.uint8)
    for thing in things:
        box = thing.box
        pixels[int(box.y0 * 96) : int(box.y1 * 96), int(box.x0 * 128) : int(box.x1 * 128)] = RED
    return pixels


def texture(chance):
    return chance.integers(0, 255, (6, 8, 3), np.uint8).repeat(16, axis=0).repeat(16, axis=1)


def tell(looks, *, every_s=0.5):
    """(kind, subject, at_s) of all that is told, and the last scene; a look is a list of detections, or pixels too."""
    memory, gate = SceneMemory(min_confidence=0.35), MotionGate()
    told = []
    scene = None
    for index, look in enumerate(looks):
        found, pixels = look if isinstance(look, tuple) else (look, picture(*look))
        frame = VideoFrame(index * every_s, pixels)
        state = SceneState(frame.at_s, tuple(found), (), frame=frame)
        scene, changes = memory.update(state, gate.look(pixels))
        told += [(change.kind, change.subject, change.at_s) for change in changes if change.kind != "motion"]
    return told, scene


def test_what_was_there_from_the_start_is_no_event():
    assert tell([[person(), cup(RIGHT)]] * 10)[0] == []


def test_someone_comes_and_leaves_once_each():
    told, _ = tell([[]] * 4 + [[person()]] * 10 + [[]] * 10)
    assert told == [("came", "person", 2.0), ("left", "person", 7.0)]


def test_things_appear_and_vanish():
    told, _ = tell([[]] * 4 + [[cup()]] * 10 + [[]] * 10)
    assert told == [("appeared", "cup", 2.0), ("vanished", "cup", 7.0)]


def test_who_came_is_remembered_however_much_happens_afterwards():
    memory = SceneMemory(min_confidence=0.35)
    memory.note(SceneChange(1.0, "came", "person", 0.9))
    for index in range(1000):
        memory.note(SceneChange(10.0 + index, "motion", "room", 1.0))
    happened = memory.happened()
    assert (happened[0].kind, happened[-1].at_s) == ("came", 1009.0)
    assert len(happened) <= 100


def test_a_passing_flicker_is_no_event():
    assert tell([[]] * 4 + [[person()]] + [[]] * 10)[0] == []
    assert tell([[] if index % 4 == 3 else [person()] for index in range(40)])[0] == []


def test_a_doubtful_thing_is_no_event():
    assert tell([[]] * 4 + [[person(confidence=0.38)]] * 10)[0] == []


def test_a_thing_is_moved_when_it_rests_elsewhere_and_a_person_is_not_moved():
    assert [kind for kind, _, _ in tell([[cup(LEFT)]] * 6 + [[cup(RIGHT)]] * 6)[0]] == ["moved"]
    assert tell([[person(LEFT)]] * 6 + [[person(RIGHT)]] * 6)[0] == []


def test_the_light_goes_and_comes_back_and_nobody_left_meanwhile():
    dark = ([], picture(level=4))
    told, scene = tell([[person()]] * 4 + [dark] * 8 + [[person()]] * 4)
    assert told == [("dark", "room", 2.0), ("light", "room", 6.0)]
    assert [item.track_id for item in scene.tracks] == [1]


def test_dusk_does_not_flicker_between_dark_and_light():
    looks = [([], picture(level=level)) for level in (60, 15, 20, 16, 22, 15, 21, 40)]
    assert [kind for kind, _, _ in tell(looks)[0]] == ["dark", "light"]


def test_another_scene_is_no_arrival():
    """The camera is turned: all that is in its new view was there before."""
    chance = np.random.default_rng(1)
    here, there = (texture(chance) for _ in range(2))
    told, scene = tell([([person(LEFT)], here)] * 4 + [([cup(RIGHT)], there)] * 8)
    assert told == []
    assert [item.label for item in scene.tracks] == ["cup"]


def test_sudden_motion_is_told_once_and_a_lamp_is_none():
    memory, gate = SceneMemory(min_confidence=0.35), MotionGate()
    room = texture(np.random.default_rng(2)) // 2
    one, two = room.copy(), room.copy()
    one[:, :80], two[:, 60:] = 10, 240
    kinds = []
    for index, pixels in enumerate([room, room, one, two, room, room, room + 60]):
        state = SceneState(index * 0.5, (), ())
        kinds += [change.kind for change in memory.update(state, gate.look(pixels))[1]]
    assert kinds == ["motion"]


@pytest.mark.parametrize("every_s", [0.1, 1.0])
def test_an_identity_lost_and_found_anew_is_not_two_changes(every_s):
    """A jump too far for the tracker: one identity ends, another begins at once."""
    far = Box(0.8, 0.75, 0.95, 0.95)
    told, scene = tell([[cup(Box(0.02, 0.02, 0.17, 0.22))]] * 30 + [[cup(far)]] * 30, every_s=every_s)
    assert [item.track_id for item in scene.tracks] == [2]
    assert [kind for kind, _, _ in told] in ([], ["moved"])


def test_tracks_carry_their_color():
    _, scene = tell([[cup()]] * 4)
    assert [item.color for item in scene.tracks] == ["red"]
