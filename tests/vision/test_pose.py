"""Poses: the rules on given points, the events that come of them, and the real network on a real person."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.config import Config
from assistant.events import Box, Track, VideoFrame
from assistant.vision.pictures import read_picture
from assistant.vision.pose import PoseEstimator, hand_is_raised, is_lying
from assistant.vision.pose_changes import PoseChanges
from tests.doubles.poses import lying, standing

BOX = Box(0.2, 0.1, 0.6, 0.9)
RAISED = standing(left_elbow=(125, 40), left_wrist=(126, 10))


def test_a_hand_is_raised_above_the_head():
    assert hand_is_raised(standing()) is False
    assert hand_is_raised(RAISED) is True
    assert hand_is_raised(standing(left_wrist=(120, 58))) is False


def test_who_lies_has_a_level_trunk():
    assert is_lying(standing()) is False
    assert is_lying(lying()) is True


def test_what_cannot_be_seen_is_not_judged():
    unseen = RAISED.copy()
    unseen[:, 2] = 0.1
    assert hand_is_raised(unseen) is None
    assert is_lying(unseen) is None
    assert is_lying(standing(left_hip=(110, 62), right_hip=(82, 62))) is None


def told(poses, *, every_s=0.2):
    return [(kind, at_s) for kind, at_s, _ in told_of([(1, pose) for pose in poses], every_s=every_s)]


def told_of(looks, *, every_s):
    """Kind, time and identity, by the identity and the pose that each look shows; None for a look at nobody."""
    changes = PoseChanges()
    return [
        (change.kind, round(change.at_s, 1), change.track_id)
        for index, look in enumerate(looks)
        if look is not None
        for change in changes.update(look[1], Track(look[0], "person", 0.8, BOX, 0.0, 0.0), index * every_s, every_s)
    ]


def test_a_raised_hand_is_told_once_until_it_has_been_down():
    assert told([standing()] * 5 + [RAISED] * 20) == [("hand_raised", 1.0)]
    assert told([RAISED] * 5 + [standing()] * 2 + [RAISED] * 5) == [("hand_raised", 0.0)]
    assert told([RAISED] * 5 + [standing()] * 12 + [RAISED] * 5) == [("hand_raised", 0.0), ("hand_raised", 3.4)]


def test_a_moment_is_no_event():
    assert told([standing(), RAISED, standing(), RAISED, standing()]) == []
    assert told([standing()] * 5 + [lying()] * 8 + [standing()] * 5) == []


def test_lying_must_last():
    assert told([standing()] * 5 + [lying()] * 15) == [("lying", 1.0)]


def test_one_who_lay_is_not_another_who_lies_later():
    assert told_of([(1, lying()), *[None] * 3000, (9, lying())], every_s=1.0) == []


def test_what_was_not_seen_for_long_has_not_lasted():
    assert told_of([(1, lying()), *[None] * 9, *[(1, lying())] * 3], every_s=1.0) == [("lying", 10.0, 1)]
    assert told_of([(1, RAISED), *[None] * 9, (1, RAISED)], every_s=1.0) == []


def test_looking_seldom_is_no_gap_but_not_looking_is():
    assert told_of([(1, lying())] * 3, every_s=5.0) == [("lying", 0.0, 1)]
    assert told_of([(1, lying())] * 3, every_s=50.0) == []


def test_two_who_are_looked_at_in_turns_are_told_of_once_each():
    looks = [(1 + index // 5 % 2, lying() if index // 5 % 2 else RAISED) for index in range(60)]
    assert told_of(looks, every_s=1.0) == [("hand_raised", 0.0, 1), ("lying", 5.0, 2)]
    looks = [(1, lying()) if index // 5 % 2 else (2, standing()) for index in range(60)]
    assert told_of(looks, every_s=1.0) == [("lying", 5.0, 1)]


@pytest.mark.models
def test_the_network_finds_a_real_persons_shoulders_and_that_she_is_upright(model_store):
    pixels = read_picture(model_store.file("sample-pictures", "astronaut.png"))
    network = PoseEstimator.create(Config(), model_store)
    pose = network.estimate(VideoFrame(0.0, pixels), Box(0.0, 0.0, 0.85, 1.0))
    nose, left, right = pose[0], pose[5], pose[6]
    assert min(nose[2], left[2], right[2]) > 0.3
    assert nose[1] < min(left[1], right[1])
    assert right[0] < nose[0] < left[0]
    assert is_lying(pose) is not True
    turned = network.estimate(VideoFrame(0.0, np.ascontiguousarray(np.rot90(pixels))), Box(0.0, 0.15, 1.0, 1.0))
    assert hand_is_raised(turned) is not True
