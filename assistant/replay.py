"""The assistant on recordings: the same loop, with a scripted microphone, files for a camera and a recording speaker.

At the speed "realtime" the event loop's clock is the machine's; at "max" it is virtual, so the run is as fast as the
machine and its times are exactly repeatable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import anyio
import numpy as np

from assistant.app import Assistant, Devices
from assistant.audio.files import read_audio
from assistant.audio.scripted import RecordingSpeaker, ScriptedMicrophone
from assistant.clock import LoopClock
from assistant.config import Config
from assistant.events import AudioArray, Event, ImageArray, SceneState, SpeechChunk, SpeechEnded, TurnStarted
from assistant.models.store import ModelStore
from assistant.ports import Camera, Clock, TurnObserver
from assistant.script import Script
from assistant.telemetry.timeline import Timeline
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.camera import open_camera
from assistant.vision.file_cameras import PictureCamera
from assistant.vision.pictures import read_picture

Speed = Literal["realtime", "max"]

_SETTLE_S = 0.3
"""How long after the end-of-speech decision the conversation may still be about to begin a turn."""


@dataclass(slots=True)
class Recording(TurnObserver):
    """What a run leaves for its report, per turn."""

    pictures: dict[int, SceneState] = field(default_factory=dict)
    questions: dict[int, tuple[AudioArray, int]] = field(default_factory=dict)
    replies: dict[int, tuple[AudioArray, int]] = field(default_factory=dict)
    heard_speech: bool = False
    """Whether anyone spoke, to the assistant or not."""
    _scene: SceneState | None = None
    _utterance: SpeechEnded | None = None

    def on_event(self, event: Event) -> None:
        """Keep the newest scene and utterance, and file them under the turn that they led to."""
        if isinstance(event, SceneState):
            self._scene = event
        elif isinstance(event, SpeechEnded):
            self._utterance = event
            self.heard_speech = True
        elif isinstance(event, TurnStarted):
            if self._scene is not None:
                self.pictures[event.turn_id] = self._scene
            if self._utterance is not None:
                said = self._utterance.utterance
                self.questions[event.turn_id] = (said.samples, said.sample_rate_hz)
        elif isinstance(event, SpeechChunk):
            before = self.replies.get(event.turn_id)
            samples = event.samples if before is None else np.concatenate([before[0], event.samples])
            self.replies[event.turn_id] = (samples, event.sample_rate_hz)

    def drawn(self) -> dict[int, ImageArray]:
        """The pictures with what was found in them drawn on."""
        from assistant.vision.draw import draw_scene

        return {
            turn_id: draw_scene(scene.frame.pixels, scene)
            for turn_id, scene in self.pictures.items()
            if scene.frame is not None
        }


@dataclass(frozen=True, slots=True)
class Replayed:
    """A finished run."""

    timeline: Timeline
    recording: Recording
    reply: AudioArray
    """Everything that the assistant said, (n,) float32, from the start of the run."""
    reply_rate_hz: int


class ReplayClock(LoopClock):
    """The event loop's time; the wall clock starts at a given moment and follows it."""

    def __init__(self, starts_at: datetime) -> None:
        self._starts_at = starts_at

    def wall(self) -> datetime:
        """The moment of the replay."""
        return self._starts_at + timedelta(seconds=self.monotonic_s())

    def suspended_s(self) -> float:
        """None: a replay has its own time."""
        return 0.0


def replay(
    config: Config,
    script: Script,
    video: str | None,
    models: ModelStore,
    observers: Callable[[Clock], Sequence[TurnObserver]],
    speed: Speed,
) -> Replayed:
    """Hold the conversation of `script` in front of `video` (a file, folder or glob; the script's pictures come first)
    and return what came of it. `observers` is given the run's clock.

    Raises `MediaError` before it begins when a recording or a picture of the script cannot be read.
    """
    clock = ReplayClock(script.starts_at) if speed == "max" else LoopClock()

    async def main() -> Replayed:
        return await _converse(config, script, video, models, observers(clock), clock)

    return run_in_virtual_time(main) if speed == "max" else anyio.run(main)


async def _converse(
    config: Config,
    script: Script,
    video: str | None,
    models: ModelStore,
    observers: Sequence[TurnObserver],
    clock: Clock,
) -> Replayed:
    recordings = {step.audio: read_audio(step.audio) for step in script.steps if step.audio is not None}
    microphone, speaker = ScriptedMicrophone(clock), RecordingSpeaker(clock)
    camera = _camera(script, video, clock)
    timeline, recording = Timeline(), Recording()
    devices = Devices(microphone, speaker, camera)
    assistant = Assistant(config, devices, models, clock, [timeline, recording, *observers])
    try:
        await assistant.start()
        async with anyio.create_task_group() as group:
            group.start_soon(assistant.run)
            for step in script.steps:
                if step.picture is not None and isinstance(camera, PictureCamera):
                    camera.show(step.picture)
                await clock.sleep_until(clock.monotonic_s() + step.before_s)
                if step.audio is not None:
                    await microphone.say(recordings[step.audio])
                    await clock.sleep_until(clock.monotonic_s() + config.vad.end_silence_s + _SETTLE_S)
                await assistant.turns.idle()
                await clock.sleep_until(clock.monotonic_s() + step.after_s)
                await assistant.turns.idle()
            await microphone.close()
            if assistant.controls is not None and assistant.controls.muted:
                # It waits to be unmuted, which no recording can do.
                group.cancel_scope.cancel()
    finally:
        await assistant.close()
    return Replayed(timeline, recording, speaker.recording(), speaker.sample_rate_hz)


def _camera(script: Script, video: str | None, clock: Clock) -> Camera | None:
    """What the assistant sees with: nothing before the first picture of a script without a video; None if it has none.

    Raises `MediaError` for a picture that cannot be read, however late it would be shown.
    """
    schedule = sorted((picture.at_s, picture.file) for picture in script.pictures)
    pictures = [step.picture for step in script.steps if step.picture is not None]
    for picture in dict.fromkeys([*pictures, *(file for _, file in schedule)]):
        read_picture(picture)
    if video is not None:
        return open_camera(video, clock)
    return PictureCamera([], clock, schedule=schedule) if pictures or schedule else None
