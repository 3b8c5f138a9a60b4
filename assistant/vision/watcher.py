"""Decides when to look: often while something moves, seldom while nothing does, at once when asked.

What a picture means is `SceneUnderstanding`'s; what happens is told to whoever wants to know.

A camera that fails is announced once and opened again, with pauses that grow, for as long as it takes.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from typing import TypeVar

import anyio

from assistant.config import VisionConfig
from assistant.errors import AssistantError, DeviceError, ModelError, StageError
from assistant.events import Event, SceneChange, SceneChangeKind, SceneState, VideoFrame
from assistant.ports import Camera, Clock, FaceEvidence
from assistant.stages import CAMERA, VISION, StageReports
from assistant.vision.motion import MotionGate
from assistant.vision.scene import SceneReader
from assistant.vision.understanding import SceneUnderstanding

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 3.0
_FRESH_S = 0.3
"""A scene this young answers "what do you see" without another look."""
_SETTLING_S = 6.0
"""How long after a movement every picture is looked at, if another look would decide something."""


class SceneWatcher:
    """Watches one camera with one set of networks."""

    def __init__(
        self,
        camera: Camera,
        reader: SceneReader,
        config: VisionConfig,
        clock: Clock,
        emit: Callable[[Event], None],
        *,
        on_face: Callable[[FaceEvidence], Awaitable[None]] | None = None,
    ) -> None:
        """`emit` gets every `SceneState`, `SceneChange`, `StageFailed` and `StageRecovered`; `on_face` the face
        that counts (`assistant.emotion.whose_face`)."""
        self._camera = camera
        self._config = config
        self._clock = clock
        self._stages = StageReports(clock, emit)
        self._seen = SceneUnderstanding(reader, config, self._stages, emit, lambda: self._closed, on_face)
        self._motion = MotionGate()
        self._looking = anyio.Lock()
        self._looked_at_s = self._moved_at_s = -math.inf
        self._closed: AssistantError | None = DeviceError("The camera is not open yet.")
        self._pauses: set[str] = set()
        self._resumed = anyio.Event()
        self._session = anyio.CancelScope()
        self._limit_hz = math.inf

    def limit_rate(self, rate_hz: float | None) -> None:
        """Look no more often than this, whatever moves; None lifts the limit. Questions are answered as before: `look`
        still looks at once. Raises `ValueError` for a rate that is not above 0."""
        if rate_hz is not None and not rate_hz > 0.0:
            raise ValueError(f"A rate must be above 0 Hz, not {rate_hz}.")
        self._limit_hz = math.inf if rate_hz is None else rate_hz

    def leave_out_tags(self, left_out: bool) -> None:
        """Whether the network that tags whole pictures rests."""
        self._seen.leave_out_tags(left_out)

    def scene(self) -> SceneState | None:
        """The newest scene, however old; None before the first."""
        return self._seen.scene

    def happened(self) -> Sequence[SceneChange]:
        """The newest changes, oldest first."""
        return self._seen.happened()

    def can_watch(self, kind: SceneChangeKind) -> bool:
        """Whether there is a network for it."""
        return self._seen.can_watch(kind)

    def watch(self, kinds: Collection[SceneChangeKind]) -> AsyncGenerator[SceneChange, None]:
        """Changes of these kinds as they happen, for as long as one iterates. Poses are looked at only meanwhile."""
        return self._seen.watch(kinds)

    async def look(self) -> SceneState:
        """What there is to see now: a scene no older than 0.3 s. Raises `DeviceError`, `MediaError` or `StageError`
        when the camera or a network does not work."""
        asked_at_s = self._clock.monotonic_s()
        async with self._looking:
            if self._closed is not None:
                raise self._closed
            scene = self._seen.scene
            if scene is not None and scene.at_s >= asked_at_s - _FRESH_S:
                return scene
            frame = await self._ask_camera(self._camera.read)
            if frame is None:
                raise DeviceError(f"The camera '{self._camera.name}' has come to its end.")
            return await self._read(frame, moved=self._has_moved(frame), asked=True)

    def pause(self, reason: str = "muted") -> None:
        """Close the camera and forget the scene until every reason has ended; safe to call twice."""
        paused_before = bool(self._pauses)
        self._pauses.add(reason)
        if paused_before:
            return  # who waits for `resume` waits on the event of the first call
        self._resumed = anyio.Event()
        self._seen.forget()
        self._motion = MotionGate()
        self._closed = DeviceError("The camera is switched off.")
        self._session.cancel()

    def resume(self, reason: str = "muted") -> None:
        """End one reason; without any left the camera is opened again."""
        self._pauses.discard(reason)
        if not self._pauses:
            self._resumed.set()

    async def run(self) -> None:
        """Watch until the camera comes to its end. Whoever cancels it closes the camera."""
        try:
            while True:
                while self._pauses:
                    await self._resumed.wait()
                self._session = anyio.CancelScope()
                with self._session:
                    await self._watch()
                await self._close_camera()
                if not self._session.cancelled_caught:
                    return
        finally:
            self._seen.close()

    async def _watch(self) -> None:
        """Open, watch, and open again after a failure; returns at the camera's end."""
        retry_s = _FIRST_RETRY_S
        while True:
            tried_at_s = self._clock.monotonic_s()
            try:
                await self._ask_camera(self._camera.open)
                self._closed = None
                self._stages.works(CAMERA)
                retry_s = _FIRST_RETRY_S
                await self._watch_open()
                self._closed = DeviceError(f"The camera '{self._camera.name}' has come to its end.")
                return
            except AssistantError as error:
                # What has just been switched off has not failed, though the look that was ending says so.
                if not self._session.cancel_called:
                    self._closed = error
                    self._fail(CAMERA, error)
            await self._close_camera()
            # A try that took long was a pause of its own: the camera may have come back just after it began.
            await self._clock.sleep_until(max(tried_at_s + retry_s, self._clock.monotonic_s() + _FIRST_RETRY_S))
            retry_s = min(_LAST_RETRY_S, retry_s * 2)

    async def _watch_open(self) -> None:
        """Watch an open camera to its end."""
        started_at_s = self._clock.monotonic_s()
        while await self._tick():
            started_at_s = max(started_at_s + 1.0 / self._rate_hz(), self._clock.monotonic_s())
            await self._clock.sleep_until(started_at_s)

    def _rate_hz(self) -> float:
        return min(self._config.rate_hz, self._limit_hz)

    async def _tick(self) -> bool:
        """Take a picture, and look at it if it is worth it; False at the camera's end."""
        async with self._looking:
            frame = await self._ask_camera(self._camera.read)
            if frame is None:
                return False
            moved = self._has_moved(frame)
            unsettled = self._seen.unsettled and frame.at_s - self._moved_at_s <= _SETTLING_S
            due = frame.at_s - self._looked_at_s >= self._config.still_s
            if moved or due or unsettled or self._seen.watches_pose:
                try:
                    await self._read(frame, moved=moved, asked=False)
                except (StageError, ModelError) as error:
                    self._fail(VISION, error)
            return True

    def _has_moved(self, frame: VideoFrame) -> bool:
        moved = self._motion.moved(frame.pixels)
        if moved:
            self._moved_at_s = frame.at_s
        return moved

    async def _read(self, frame: VideoFrame, *, moved: bool, asked: bool) -> SceneState:
        """Look at a picture. Raises `StageError`."""
        self._looked_at_s = frame.at_s
        return await self._seen.read(frame, self._motion.look(frame.pixels), moved=moved, asked=asked)

    async def _ask_camera(self, call: Callable[[], Awaitable[T]]) -> T:
        """Whatever a camera's library raises is the camera's failure. Raises `AssistantError`."""
        try:
            return await call()
        except AssistantError:
            raise
        except Exception as error:
            raise DeviceError(
                f"The camera '{self._camera.name}' failed: {error!r}.", remedy="List the cameras: assistant devices"
            ) from error

    async def _close_camera(self) -> None:
        try:
            await self._camera.close()
        except Exception:  # it is given up either way
            _LOG.warning("The camera '%s' could not be closed.", self._camera.name, exc_info=True)

    def _fail(self, stage: str, error: AssistantError) -> None:
        """Announced once, however often it is tried again."""
        if not self._stages.is_failing(stage):
            self._stages.failed(stage, error)
