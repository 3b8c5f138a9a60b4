"""What skills may ask about the world and do to the assistant: `assistant.skills.Senses` and `Controls`, live."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, suppress

import anyio
from anyio.abc import TaskGroup

from assistant.audio.listener import Listener
from assistant.caption import CAPTIONERS
from assistant.config import Config
from assistant.dialogue.memory import ConversationMemory
from assistant.emotion.monitor import EmotionMonitor
from assistant.errors import AssistantError, ControlError, DeviceError
from assistant.events import (
    EmotionState,
    Event,
    Notice,
    SceneCaption,
    SceneChange,
    SceneChangeKind,
    SceneState,
    SpeechStarted,
)
from assistant.loading import Networks
from assistant.models.store import ModelStore
from assistant.muting import MuteMemory
from assistant.ports import AudioSink, Camera, Captioner, Clock, FaceEvidence, PreparingCaptioner, ReadText
from assistant.registry import resolve
from assistant.stages import StageReports
from assistant.turn import Turns
from assistant.vision.reading import Reading
from assistant.vision.watcher import SceneWatcher


class LiveSenses:
    """The newest scene and emotion, and what does not work now.

    As an observer it has the camera look as soon as someone speaks, so that the answer is about now.
    """

    def __init__(
        self,
        captioner: Captioner,
        emotions: EmotionMonitor,
        clock: Clock,
        troubles: Mapping[str, str] | None = None,
        stages: StageReports | None = None,
        reading: Reading | None = None,
    ) -> None:
        """`troubles` is what does not work now: stage → reason; `stages` is told of a captioner that fails; `reading`
        is who reads what is written."""
        self._captioner = captioner
        self.emotions = emotions
        self._clock = clock
        self._troubles = {} if troubles is None else troubles
        self._stages = stages
        self._reading = reading
        self._group: TaskGroup | None = None
        self.watcher: SceneWatcher | None = None
        """Who looks; None without a camera."""

    @classmethod
    def create(
        cls,
        config: Config,
        models: ModelStore,
        networks: Networks,
        camera: Camera | None,
        clock: Clock,
        emit: Callable[[Event], None],
        troubles: Mapping[str, str],
    ) -> LiveSenses:
        """With the captioner that the section `vision` names; with sight if there is a camera and what looks at its
        pictures."""
        captioner = resolve(CAPTIONERS, config.vision.captioner, kind="captioner").create(config, models)
        reading = Reading.create(config, models)
        senses = cls(captioner, networks.emotions, clock, troubles, StageReports(clock, emit), reading)
        if networks.reader is not None and camera is not None:
            senses.watcher = SceneWatcher(camera, networks.reader, config.vision, clock, emit, on_face=senses.feel)
        return senses

    def attach(self, group: TaskGroup) -> None:
        """Begin to watch."""
        self._group = group
        if self.watcher is not None:
            group.start_soon(self.watcher.run)

    def feel(self, evidence: FaceEvidence) -> None:
        """Look at the expression of a face that the watcher found."""
        if self._group is not None:
            self._group.start_soon(self.emotions.face, evidence)

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
            return {"camera": "No camera is in use.", **self._troubles}
        return dict(self._troubles)

    def on_event(self, event: Event) -> None:
        """Look when someone begins to speak."""
        if isinstance(event, SpeechStarted) and self._group is not None and self.watcher is not None:
            self._group.start_soon(self._look, self.watcher)

    async def _look(self, watcher: SceneWatcher) -> None:
        # A camera that does not work is reported by the watcher itself.
        with suppress(AssistantError):
            await self._prepare(await watcher.look())

    async def _prepare(self, scene: SceneState) -> None:
        """Have a slow captioner begin, so that it is done by the time somebody asks."""
        if not isinstance(self._captioner, PreparingCaptioner):
            return
        try:
            await self._captioner.prepare(scene)
        except AssistantError as error:
            if self._stages is not None:
                self._stages.still_failing("neural captioner", error)
        else:
            if self._stages is not None:
                self._stages.works("neural captioner")

    def close(self) -> None:
        """Release what describes the scene; safe to call twice."""
        if isinstance(self._captioner, PreparingCaptioner):
            self._captioner.close()
        if self._reading is not None:
            self._reading.close()


class LiveControls:
    """Volume, mute, the last reply, announcements and background tasks of a running assistant."""

    def __init__(
        self,
        sink: AudioSink,
        listener: Listener,
        watcher: SceneWatcher | None,
        memory: ConversationMemory,
        clock: Clock,
        emit: Callable[[Event], None],
        volume: float,
        mute_memory: MuteMemory | None = None,
    ) -> None:
        self._sink = sink
        self._listener = listener
        self._watcher = watcher
        self._clock = clock
        self._emit = emit
        self._stages = StageReports(clock, emit)
        self._memory = memory
        self._volume = volume
        self._turns: Turns | None = None
        self._group: TaskGroup | None = None
        self._mute_memory = mute_memory or MuteMemory(None)
        self.muted = self._mute_memory.recall()
        if self.muted:
            listener.forbid()
            if watcher is not None:
                watcher.pause()

    def attach(self, turns: Turns, group: TaskGroup) -> None:
        """Complete the circle: skills act on the conversation that calls them."""
        self._turns, self._group = turns, group

    def volume(self) -> float:
        """Loudness of the replies, 0 to 1."""
        return self._volume

    def set_volume(self, volume: float) -> None:
        """Set it; clipped to 0…1."""
        self._volume = min(max(volume, 0.0), 1.0)
        self._sink.set_volume(self._volume)

    async def mute(self) -> None:
        """Close microphone and camera until `unmute`."""
        self.muted = True
        if self._watcher is not None:
            self._watcher.pause()
        self._remember()  # first: should a driver hang now, the restart that this calls for is a muted one
        await self._listener.pause()
        self.tell_muted()

    async def unmute(self) -> None:
        """Open them again."""
        self.muted = False
        self._listener.resume()
        if self._watcher is not None:
            self._watcher.resume()
        self._emit(Notice(self._clock.monotonic_s(), "unmuted", "Listening again."))
        self._remember()

    def tell_muted(self) -> None:
        """Have everybody who watches know that it neither hears nor sees."""
        self._emit(Notice(self._clock.monotonic_s(), "muted", "Microphone and camera are closed."))

    async def toggle_mute(self) -> None:
        """Mute, or unmute."""
        await (self.unmute() if self.muted else self.mute())

    async def listen_now(self) -> None:
        """Listen to what is said next without a wake phrase. Muted, it stays so, and says it: only unmuting undoes
        that. Raises `ControlError` before `attach`."""
        if self.muted:
            self._emit(Notice(self._clock.monotonic_s(), "muted", "Microphone and camera are closed; unmute first."))
        else:
            await self._attached()[0].listen_now()

    def last_reply(self) -> str:
        """What the assistant said last, as far as it was played."""
        return self._memory.last_reply()

    async def announce(self, text: str, language: str) -> None:
        """Say something as soon as nobody else speaks. Raises `ControlError` before `attach`."""
        await self._attached()[0].announce(text, language)

    def start(self, name: str, task: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        """Run `task` beside the conversation; the result cancels it. Raises `ControlError` before `attach`."""
        _, group = self._attached()
        scope = anyio.CancelScope()

        async def run() -> None:
            with scope:
                await task()

        group.start_soon(run, name=name)
        return scope.cancel

    def _attached(self) -> tuple[Turns, TaskGroup]:
        if self._turns is None or self._group is None:
            raise ControlError("The assistant is still starting.", remedy="Try again in a few seconds.")
        return self._turns, self._group

    def _remember(self) -> None:
        try:
            self._mute_memory.remember(self.muted)
            self._stages.works("state")
        except AssistantError as error:
            self._stages.failed("state", error)
