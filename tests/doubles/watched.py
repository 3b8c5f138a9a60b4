"""A watcher in virtual time, with a camera and networks that do as they are told."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio

from assistant.clock import LoopClock
from assistant.config import VisionConfig
from assistant.events import Box, Face
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.scene import SceneReader
from assistant.vision.watcher import SceneWatcher
from tests.doubles.poses import lying, standing
from tests.doubles.vision import BrightnessDetector, FakeCamera, GivenFaces

CONFIG = VisionConfig(rate_hz=2.0, still_s=5.0)
NEAR = Face(Box(0.1, 0.1, 0.6, 0.8), 0.7)


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
