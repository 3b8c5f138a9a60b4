"""What skills may ask about the world: `assistant.skills.Senses`, live."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing, suppress

import anyio
from anyio.abc import TaskGroup

from assistant.caption import CAPTIONERS
from assistant.caption.revival import CaptionerRevival
from assistant.common import Common
from assistant.emotion.monitor import EmotionMonitor
from assistant.errors import AssistantError, DeviceError
from assistant.events import (
    EmotionState,
    Event,
    Notice,
    SceneCaption,
    SceneChange,
    SceneChangeKind,
    SceneState,
    SpeechStarted,
    StageFailed,
)
from assistant.loading import Networks
from assistant.models.store import ModelStore
from assistant.ports import Camera, Captioner, Clock, FaceEvidence, PreparingCaptioner, ReadText
from assistant.registry import resolve
from assistant.skills.sight import SIGHT_STAGES
from assistant.stages import CAMERA, StageReports
from assistant.vision.reading import Reading
from assistant.vision.watcher import SceneWatcher

_FEELS_S = 1.0
"""How long a look waits for the expression of the face that it has found."""


class LiveSenses:
    """The newest scene and emotion, and what does not work now.

    As an observer it has the camera look as soon as someone speaks, so that the answer is about now. It notes when a
    break in looking ends, so that nothing is denied of the time before.
    """

    def __init__(
        self,
        captioner: Captioner,
        emotions: EmotionMonitor,
        clock: Clock,
        stages: StageReports,
        troubles: Mapping[str, str] | None = None,
        reading: Reading | None = None,
    ) -> None:
        """`stages` is told of a captioner that fails; `troubles` is what does not work now: stage → reason; `reading`
        is who reads what is written."""
        self._captioner = captioner
        self.emotions = emotions
        self._clock = clock
        self._troubles = {} if troubles is None else troubles
        self._reading = reading
        self._group: TaskGroup | None = None
        self._looking_since_s: float | None = None
        self._revival: CaptionerRevival | None = None
        if isinstance(captioner, PreparingCaptioner):
            self._revival = CaptionerRevival(captioner, stages, clock, self.scene)
        self.watcher: SceneWatcher | None = None
        """Who looks; None without a camera."""

    @classmethod
    def create(
        cls, common: Common, models: ModelStore, networks: Networks, camera: Camera | None, troubles: Mapping[str, str]
    ) -> LiveSenses:
        """With the captioner that the section `vision` names; with sight if there is a camera and what looks at its
        pictures."""
        config, clock = common.config, common.clock
        captioner = resolve(CAPTIONERS, config.vision.captioner, kind="captioner").create(config, models)
        reading = Reading.create(config, models)
        senses = cls(captioner, networks.emotions, clock, common.stages, troubles, reading)
        if networks.reader is not None and camera is not None:
            emit, reader = common.emit, networks.reader
            senses.watcher = SceneWatcher(camera, reader, config.vision, clock, emit, on_face=senses.feel)
        return senses

    def attach(self, group: TaskGroup) -> None:
        """Begin to watch."""
        self._group = group
        if self.watcher is not None:
            group.start_soon(self.watcher.run)
            if self._revival is not None:
                group.start_soon(self._revival.watch)

    async def feel(self, evidence: FaceEvidence) -> None:
        """Look at the expression of a face that the watcher found. The scene that it belongs to is told afterwards, so
        that events keep their order, but does not wait for a network that hangs."""
        if self._group is None:
            return
        done = anyio.Event()

        async def look() -> None:
            try:
                await self.emotions.face(evidence)
            finally:
                done.set()

        self._group.start_soon(look)
        with anyio.move_on_after(_FEELS_S):
            await done.wait()

    def scene(self) -> SceneState | None:
        """The newest scene, None before the first or without a camera."""
        return self.watcher.scene() if self.watcher else None

    def caption(self, language: str) -> SceneCaption | None:
        """A sentence about the newest scene, None without one."""
        scene = self.scene()
        return self._captioner.caption(scene, language, self._clock.monotonic_s()) if scene else None

    async def read(self) -> ReadText:
        """What is written before the camera now. Raises `AssistantError`."""
        frame = (await self.watcher.look()).frame if self.watcher is not None else None
        if frame is None or self._reading is None:
            raise DeviceError("No camera is in use.")
        return await self._reading.read(frame)

    def happened(self) -> Sequence[SceneChange]:
        """What happened before the camera, oldest first."""
        return self.watcher.happened() if self.watcher else ()

    def looking_since_s(self) -> float | None:
        """Since when it has looked without a break, in monotonic seconds; None while it does not, or in the dark."""
        return self._looking_since_s

    def can_watch(self, kind: SceneChangeKind) -> bool:
        """Whether such changes can be noticed here."""
        return self.watcher is not None and self.watcher.can_watch(kind)

    async def watch(self, kinds: Collection[SceneChangeKind]) -> AsyncGenerator[SceneChange, None]:
        """Changes of these kinds as they happen, for as long as one iterates; none without a camera."""
        if self.watcher is not None:
            async with aclosing(self.watcher.watch(kinds)) as changes:
                async for change in changes:
                    yield change

    def emotion(self) -> EmotionState | None:
        """How the person seems to feel now, None without evidence."""
        return self.emotions.state(self._clock.monotonic_s())

    def unavailable(self) -> dict[str, str]:
        """What does not work now: stage → reason."""
        if self.watcher is None:
            return {CAMERA: "No camera is in use.", **self._troubles}
        return dict(self._troubles)

    def on_event(self, event: Event) -> None:
        """Look when someone begins to speak, and note since when it has looked."""
        if isinstance(event, SceneState):
            since_s = event.at_s if self._looking_since_s is None else self._looking_since_s
            self._looking_since_s = None if event.dark else since_s
        elif _ends_looking(event):
            self._looking_since_s = None
        if isinstance(event, SpeechStarted) and self._group is not None and self.watcher is not None:
            self._group.start_soon(self._look, self.watcher)

    async def _look(self, watcher: SceneWatcher) -> None:
        with suppress(AssistantError):  # a camera that does not work is reported by the watcher itself
            if self._revival is None:
                await watcher.look()
            else:
                await self._revival.prepare(await watcher.look())
        if self._revival is not None:
            await self._revival.try_again()

    def close(self) -> None:
        """Release what describes the scene; safe to call twice."""
        if isinstance(self._captioner, PreparingCaptioner):
            self._captioner.close()
        if self._reading is not None:
            self._reading.close()


def _ends_looking(event: Event) -> bool:
    """Whether nothing is seen from now on."""
    if isinstance(event, StageFailed):
        return event.stage in SIGHT_STAGES
    return isinstance(event, Notice) and event.kind in ("muted", "unmuted")
