"""The composition root: the way of the data, top-down. `docs/architecture.md` walks through it.

microphone ─► Listener ─► Turns ─► Answering ─► Speaking ─► speaker
camera ─► SceneWatcher ─► scene, faces ─► EmotionMonitor ─┘
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import anyio

from assistant.answering import Answering
from assistant.asr.transcriber import Transcriber
from assistant.audio.echo import EchoGuard
from assistant.audio.listener import Listener
from assistant.caption import CAPTIONERS
from assistant.config import Config
from assistant.errors import DeviceError
from assistant.events import Event, Notice
from assistant.health import Health
from assistant.loading import Networks, load_networks
from assistant.models.store import ModelStore
from assistant.ports import AudioSink, AudioSource, Camera, Clock, TurnObserver
from assistant.registry import resolve
from assistant.senses import LiveControls, LiveSenses
from assistant.speaking import Speaking
from assistant.stages import StageReports
from assistant.telemetry.observers import Observers
from assistant.tts.process import SpeechProcess
from assistant.turn import Turns
from assistant.vision.watcher import SceneWatcher
from assistant.wake.attention import Attention, invitation
from assistant.wake.phrase import PhraseMatcher


@dataclass(frozen=True, slots=True)
class Devices:
    """What the assistant hears, speaks and sees with."""

    microphone: AudioSource
    speaker: AudioSink
    camera: Camera | None


class Assistant:
    """One assistant: `start` opens the devices and loads the networks, `run` converses until the microphone ends."""

    def __init__(
        self, config: Config, devices: Devices, models: ModelStore, clock: Clock, observers: Sequence[TurnObserver]
    ) -> None:
        self._config = config
        self._devices = devices
        self._models = models
        self._clock = clock
        self._observers = Observers(observers)
        self._emit = self._observers.emit
        self._closing = AsyncExitStack()
        self.controls: LiveControls | None = None  # before `start`
        self._stages = stages = StageReports(clock, self._emit)
        self._voices = SpeechProcess(
            config, models.root, on_failure=partial(stages.failed, "voice"), on_recovery=partial(stages.works, "voice")
        )

    async def start(self) -> None:
        """Raises `DeviceError` without a microphone and `ModelError` without a recogniser. Whatever else is missing is
        announced by `StageFailed`, and the assistant does without it."""
        devices, config, models = self._devices, self._config, self._models
        await devices.microphone.open()
        self._closing.push_async_callback(devices.microphone.close)
        self._closing.push_async_callback(devices.speaker.close)
        try:
            await devices.speaker.open()
        except DeviceError as error:
            self._stages.failed("speaker", error)
        self._closing.push_async_callback(self._voices.close)
        await self._voices.start()
        now_s = self._clock.monotonic_s()
        self._wire(await load_networks(config, models, self._emit, now_s, with_sight=devices.camera is not None))

    async def run(self) -> None:
        """Converse until the microphone ends."""
        async with anyio.create_task_group() as group:
            self.senses.attach(group)
            self._attach_controls(self.turns, group)
            self._emit(Notice(self._clock.monotonic_s(), "listening", invitation(self._config.wake)))
            await self.turns.run(self._listener.events())
            group.cancel_scope.cancel()

    async def close(self) -> None:
        """Release devices, networks and the voices' process; safe to call at any point."""
        with anyio.CancelScope(shield=True):
            await self._closing.aclose()

    def _wire(self, networks: Networks) -> None:
        config, devices, clock, emit = self._config, self._devices, self._clock, self._emit
        recognizer, responder, emotions, reader = (
            networks.recognizer,
            networks.responder,
            networks.emotions,
            networks.reader,
        )
        transcriber = Transcriber(recognizer, clock, config.asr)
        attention = Attention(config.wake, PhraseMatcher(config.wake.phrases, config.wake.match), clock)
        streaming, on_wake = recognizer.streams_partials, attention.fired
        guard = EchoGuard() if config.audio.echo_guard else None
        self._listener = Listener.create(
            config, self._models, devices.microphone, clock, emit, streaming=streaming, guard=guard, on_wake=on_wake
        )
        captioner = resolve(CAPTIONERS, config.vision.captioner, kind="captioner").create(config, self._models)
        self.senses = LiveSenses(captioner, emotions, clock)
        if reader is not None and devices.camera is not None:
            self.senses.watcher = SceneWatcher(
                devices.camera, reader, config.vision, clock, emit, on_face=self.senses.feel
            )
        self.controls = controls = LiveControls(
            devices.speaker, self._listener, self.senses.watcher, responder.memory, clock, emit, config.audio.volume
        )
        answering = Answering(responder, emotions, self.senses, controls, config, clock, emit)
        speaking = Speaking(self._voices, devices.speaker, clock, emit, guard, self._stages)
        barge_in, end_after = config.tts.barge_in, self._listener.end_after
        self.turns = Turns(
            transcriber, attention, answering, speaking, clock, emit, barge_in=barge_in, end_after=end_after
        )
        self._attach_controls = controls.attach
        self._observers.add(self.senses, answering)
        for part in (transcriber, responder, emotions):
            self._closing.callback(part.close)

    def emit(self, event: Event) -> None:
        """Show what a companion of the assistant has to tell to everyone who watches."""
        self._emit(event)

    def health(self) -> Health:
        """Whether it hears, and what does not work."""
        return Health(
            hears=True, muted=self.controls is not None and self.controls.muted, unavailable=self.senses.unavailable()
        )
