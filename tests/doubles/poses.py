"""People as the pose network finds them: (17, 3), x and y in pixels of a picture of 192 × 192, and a confidence."""

from __future__ import annotations

import numpy as np


def standing(**moved):
    """A person who stands with their arms down; `moved` replaces points by name."""
    places = {
        "nose": (96, 30),
        "left_shoulder": (116, 60),
        "right_shoulder": (76, 60),
        "left_elbow": (122, 90),
        "right_elbow": (70, 90),
        "left_wrist": (124, 115),
        "right_wrist": (68, 115),
        "left_hip": (110, 120),
        "right_hip": (82, 120),
        **moved,
    }
    numbers = {"nose": 0, "left_shoulder": 5, "right_shoulder": 6, "left_elbow": 7, "right_elbow": 8}
    numbers |= {"left_wrist": 9, "right_wrist": 10, "left_hip": 11, "right_hip": 12}
    pose = np.zeros((17, 3))
    for name, (x, y) in places.items():
        pose[numbers[name]] = x, y, 0.8
    return pose


def lying():
    """The same person, turned by a right angle."""
    pose = standing()
    pose[:, :2] = pose[:, 1::-1]
    return pose
