"""The composition root: the way of the data, top-down. `docs/architecture.md` walks through it.

microphone ─► Listener ─► Turns ─► Answering ─► Speaking ─► speaker
camera ─► SceneWatcher ─► scene, faces ─► EmotionMonitor ─┘
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import anyio

from assistant.asr.loading import recognizer_process
from assistant.asr.transcriber import Transcriber
from assistant.audio.echo_memory import EchoMemory
from assistant.audio.listener import Listener
from assistant.audio.revival import revive_speaker
from assistant.common import Common
from assistant.config import Config
from assistant.controls import LiveControls
from assistant.conversation.answering import Answering
from assistant.conversation.speaking import Speaking
from assistant.conversation.troubles import SpokenTroubles, Troubles
from assistant.events import Event, Notice
from assistant.health import Health, take_health
from assistant.loading import Networks, load_networks
from assistant.models.store import ModelStore
from assistant.opening import Devices as Devices
from assistant.opening import open_microphone, open_speaker
from assistant.ports import Clock, TurnObserver
from assistant.run_memory import RunMemory
from assistant.senses import LiveSenses
from assistant.stages import VOICE
from assistant.telemetry.observers import Observers
from assistant.tts.process import SpeechProcess
from assistant.turn import Turns
from assistant.wake.attention import Attention, invitation


class Assistant:
    """One assistant: `start` opens the devices and loads the networks, `run` converses until the microphone ends."""

    def __init__(
        self,
        config: Config,
        devices: Devices,
        models: ModelStore,
        clock: Clock,
        observers: Sequence[TurnObserver],
        *,
        state: Path | None = None,
        memory: RunMemory | None = None,
    ) -> None:
        """`state` is the folder for what outlives the run; None keeps nothing. `memory` is what assistants share."""
        self._devices = devices
        self._models = models
        self._troubles = Troubles()
        self._observers = Observers([self._troubles, *observers])
        self._common = common = Common.create(config, clock, self._observers.emit)
        self._closing = AsyncExitStack()
        self._state = state
        self._memory = memory or RunMemory(state)
        self.controls: LiveControls | None = None  # before `start`
        self._voices = devices.voices or SpeechProcess(config, models.root)
        self._recognizer = devices.recognizer or recognizer_process(config, models)
        self._voices.report_to(partial(common.stages.failed, VOICE), partial(common.stages.works, VOICE))

    async def start(self, *, wait_for_microphone: bool = False) -> None:
        """Raises `DeviceError` without a microphone, unless it shall wait for one, and `ModelError` without a
        recogniser. Whatever else is missing is announced by `StageFailed`, and the assistant does without it."""
        devices, muted = self._devices, self._memory.mute.recall()
        self._missing = None
        devices.release_with(self._closing, self._voices, self._recognizer)
        await self._voices.start()
        if not muted:
            self._missing = await open_microphone(devices.microphone, wait=wait_for_microphone)
        await open_speaker(devices.speaker, self._common.stages)
        with_sight = devices.camera is not None
        self._wire(await load_networks(self._common, self._models, self._recognizer, with_sight=with_sight))
        await devices.close_unwatched(watched=self.senses.watcher is not None and not muted)

    async def run(self) -> None:
        """Converse until the microphone ends."""
        common = self._common
        async with anyio.create_task_group() as group:
            self.senses.attach(group)
            self._attach_controls(self.turns, group)
            await self._resume()
            if self.controls is not None and self.controls.muted:
                self.controls.tell_muted()
            else:
                if self._missing is None:
                    common.emit(Notice(common.clock.monotonic_s(), "listening", invitation(common.config.wake)))
                self._listener.begin(self._missing)
            group.start_soon(revive_speaker, self._devices.speaker, common.stages, common.clock)
            if self._echoes is not None:
                group.start_soon(self._echoes.run)
            await self.turns.run(self._listener.events())
            group.cancel_scope.cancel()

    async def close(self) -> None:
        """Release devices, networks and the voices' process; safe to call at any point."""
        with anyio.CancelScope(shield=True):
            await self._closing.aclose()

    def _wire(self, networks: Networks) -> None:
        common, devices, config, clock = self._common, self._devices, self._common.config, self._common.clock
        recognizer, responder, emotions = networks.recognizer, networks.responder, networks.emotions
        transcriber = Transcriber(recognizer, clock, config.asr, common.stages)
        attention, streaming = Attention(config.wake, clock), recognizer.streams_partials
        echoes = EchoMemory(self._state, devices.microphone, devices.speaker) if config.audio.echo_guard else None
        self._echoes = echoes
        self._listener = listener = Listener.create(
            common, self._models, devices.microphone, streaming=streaming, echoes=echoes, on_wake=attention.fired
        )
        self.senses = senses = LiveSenses.create(common, self._models, networks, devices.camera, self._troubles.now)
        devices.speaker.set_volume(config.audio.volume)
        self.controls = controls = LiveControls(
            common, devices.speaker, listener, senses.watcher, responder.memory, self._memory
        )
        answering = Answering(common, responder, emotions, senses, controls, state=self._state)
        guard = echoes.guard if echoes is not None else None
        speaking = Speaking(common, self._voices, devices.speaker, guard=guard)
        self.turns = Turns(common, transcriber, attention, answering, speaking, listener.end_after)
        self._attach_controls, self._resume = controls.attach, answering.resume
        self._observers.add(senses, answering, SpokenTroubles(self._troubles.now, controls, config))
        if echoes is not None:
            self._closing.callback(echoes.keep)
        for part in (transcriber, responder, emotions, senses):
            self._closing.callback(part.close)

    def emit(self, event: Event) -> None:
        """Show what a companion of the assistant has to tell to everyone who watches."""
        self._common.emit(event)

    def health(self) -> Health:
        """Whether it hears, and what does not work."""
        if self.controls is None:
            return Health(hears=False, reason="It is starting.")
        failures = self._troubles.last_failures(self._common.clock.monotonic_s())
        unavailable = self.senses.unavailable()
        return take_health(self._listener.hearing, unavailable, failures, muted=self.controls.muted)
