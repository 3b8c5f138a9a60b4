"""One look with the networks that it needs, side by side: the object detector on one core, the rest on another."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

from assistant.errors import AssistantError
from assistant.events import Box, Detection, Face, SceneState, SceneTag, VideoFrame
from assistant.vision.pose import Pose
from assistant.vision.preprocess import moderate
from assistant.vision.scene import SceneReader
from assistant.worker import Worker

T = TypeVar("T")

_TIMEOUT_S = 10.0
"""Everybody who asks what there is waits for a look; what it finds after this long would be told as old."""


class Looking:
    """Owns the threads that the networks run on, and tells what each network costs."""

    def __init__(self, reader: SceneReader) -> None:
        self._reader = reader
        self._objects = Worker("object detector", timeout_s=_TIMEOUT_S)
        self._rest = Worker("face detector", timeout_s=_TIMEOUT_S)

    @property
    def has_pose(self) -> bool:
        """Whether poses can be looked at."""
        return self._reader.pose is not None

    async def look(
        self, frame: VideoFrame, *, faces: bool, tags: bool, on_faces: Callable[[Sequence[Face]], Awaitable[None]]
    ) -> SceneState:
        """What is in a picture; objects always. `on_faces` gets the faces as soon as they are found, while the objects
        are still looked for, and is waited for. Raises `StageError`."""
        seen = VideoFrame(frame.at_s, await self._rest.run(moderate, frame.pixels), frame.source)
        objects: tuple[list[Detection], float] = [], 0.0
        errors: list[AssistantError] = []

        async def detect() -> None:
            nonlocal objects
            try:
                objects = await self._objects.run(_timed, lambda: self._reader.detector.detect(seen))
            except AssistantError as error:  # raised below, outside of the group: both have ended by then
                errors.append(error)

        found: tuple[list[Face], list[SceneTag], dict[str, float]] = [], [], {}
        async with anyio.create_task_group() as group:
            group.start_soon(detect)
            try:
                found = await self._rest.run(self._read_rest, seen, faces, tags)
                await on_faces(found[0])
            except AssistantError as error:
                errors.append(error)
        if errors:
            raise errors.pop(0)  # a list that is kept here would keep it, and the picture, until garbage is collected
        compute_s = {"objects": objects[1], **found[2]}
        return SceneState(
            frame.at_s, tuple(objects[0]), tuple(found[0]), tuple(found[1]), frame.source, frame, compute_s=compute_s
        )

    async def pose(self, frame: VideoFrame, person: Box) -> tuple[Pose, float]:
        """The pose of a person, and what it cost. Raises `StageError`."""
        network = self._reader.pose
        assert network is not None
        return await self._rest.run(_timed, lambda: network.estimate(frame, person))

    @property
    def knows_anyone(self) -> bool:
        """Whether there is anybody whose name could be told."""
        return self._reader.people is not None and self._reader.people.knows_anyone

    @property
    def known_names(self) -> frozenset[str]:
        """Of everybody whose name could be told."""
        return self._reader.people.names if self._reader.people is not None else frozenset()

    async def names(self, scene: SceneState, *, fresh: bool) -> SceneState:
        """The scene with the names of known people; `fresh` says whether it was looked for faces. Raises
        `AssistantError`."""
        people = self._reader.people
        assert people is not None
        return await self._rest.run(people.name, scene, fresh=fresh)

    def forget_people(self) -> None:
        """Whoever is there is to be recognised anew."""
        if self._reader.people is not None:
            self._reader.people.forget()

    def close(self) -> None:
        """Let the threads end."""
        self._objects.close()
        self._rest.close()

    def _read_rest(
        self, frame: VideoFrame, faces: bool, tags: bool
    ) -> tuple[list[Face], list[SceneTag], dict[str, float]]:
        spent_s: dict[str, float] = {}
        found: list[Face] = []
        named: list[SceneTag] = []
        if faces:
            found, spent_s["faces"] = _timed(lambda: self._reader.faces.detect(frame))
        tagger = self._reader.tagger
        if tags and tagger is not None:
            named, spent_s["tags"] = _timed(lambda: tagger.tag(frame))
        return found, named, spent_s


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    """The result, and the seconds that it took by a performance counter: the run itself may be in virtual time."""
    started_s = time.perf_counter()
    return call(), time.perf_counter() - started_s
