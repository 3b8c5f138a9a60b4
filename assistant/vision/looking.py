"""One look with the networks that it needs, side by side: the object detector on one core, the rest on another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from assistant.events import Box, Detection, Face, SceneState, SceneTag, VideoFrame
from assistant.vision.pose import Pose
from assistant.vision.scene import SceneReader
from assistant.worker import Worker

T = TypeVar("T")


class Looking:
    """Owns the threads that the networks run on, and tells what each network costs."""

    def __init__(self, reader: SceneReader) -> None:
        self._reader = reader
        self._objects = Worker("object detector")
        self._rest = Worker("face detector")

    @property
    def has_pose(self) -> bool:
        """Whether poses can be looked at."""
        return self._reader.pose is not None

    async def look(self, frame: VideoFrame, *, faces: bool, tags: bool) -> SceneState:
        """What is in a picture; objects always. Raises `StageError`."""
        detector = self._reader.detector
        results = await asyncio.gather(
            self._objects.run(_timed, lambda: detector.detect(frame)),
            self._rest.run(self._read_rest, frame, faces, tags),
            return_exceptions=True,  # both must have ended before the next picture
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        objects: tuple[list[Detection], float] = results[0]  # type: ignore[assignment]
        found: tuple[list[Face], list[SceneTag], dict[str, float]] = results[1]  # type: ignore[assignment]
        compute_s = {"objects": objects[1], **found[2]}
        return SceneState(
            frame.at_s, tuple(objects[0]), tuple(found[0]), tuple(found[1]), frame.source, frame, compute_s=compute_s
        )

    async def pose(self, frame: VideoFrame, person: Box) -> tuple[Pose, float]:
        """The pose of a person, and what it cost. Raises `StageError`."""
        network = self._reader.pose
        assert network is not None
        return await self._rest.run(_timed, lambda: network.estimate(frame, person))

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
