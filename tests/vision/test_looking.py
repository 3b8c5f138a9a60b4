"""A look with several networks at once."""

from __future__ import annotations

import time

import anyio
import pytest

from assistant.errors import StageError
from assistant.events import Box, Face, VideoFrame
from assistant.vision.looking import Looking
from assistant.vision.scene import SceneReader
from tests.doubles.vision import BrightnessDetector, GivenFaces, flat_picture

FRAME = VideoFrame(1.0, flat_picture(200))
FACE = Face(Box(0.1, 0.1, 0.3, 0.3), 0.9)


class Slow(BrightnessDetector):
    def detect(self, frame):
        time.sleep(0.2)
        return super().detect(frame)


def look(detector, faces, *, seconds=10.0):
    seen = []

    async def show(found):
        seen.append(found)

    async def main():
        looking = Looking(SceneReader(detector, faces))
        try:
            with anyio.move_on_after(seconds) as scope:
                return await looking.look(FRAME, faces=True, tags=True, on_faces=show), seen, scope
            return None, seen, scope
        finally:
            looking.close()

    return anyio.run(main)


def test_it_finds_what_all_find_and_what_each_cost():
    scene, seen, _ = look(BrightnessDetector(), GivenFaces(FACE))
    assert [item.label for item in scene.objects] == ["dog"]
    assert scene.faces == (FACE,)
    assert seen == [[FACE]]
    assert scene.at_s == FRAME.at_s, "what is seen is as old as the picture"
    assert set(scene.compute_s) == {"objects", "faces"}


def test_one_network_that_fails_fails_the_look():
    broken = BrightnessDetector()
    broken.broken = True
    with pytest.raises(StageError, match="out of memory"):
        look(broken, GivenFaces(FACE))


def test_a_look_can_be_given_up():
    scene, _, scope = look(Slow(), GivenFaces(FACE), seconds=0.05)
    assert scene is None
    assert scope.cancelled_caught
