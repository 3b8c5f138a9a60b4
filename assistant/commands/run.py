"""`assistant run`: the assistant on this machine's own devices."""

from __future__ import annotations

import signal
from pathlib import Path

import anyio
from anyio.abc import TaskStatus

from assistant.app import Assistant, Devices
from assistant.audio.microphone import Microphone
from assistant.audio.scripted import SilentSpeaker
from assistant.audio.speaker import Speaker
from assistant.clock import LoopClock
from assistant.config import Config
from assistant.errors import ConfigError
from assistant.governor.governor import Governor
from assistant.governor.savings import LiveSavings
from assistant.models.store import ModelStore
from assistant.ports import AudioSink, TurnObserver
from assistant.settings import load_config
from assistant.telemetry.console import Console
from assistant.telemetry.events_file import EventsFile
from assistant.vision.camera import open_camera


def run_live(config_path: Path | None) -> None:
    """Converse until Ctrl-C or SIGTERM. Raises `DeviceError` when there is no microphone."""
    anyio.run(_run, load_config(config_path))


async def _run(config: Config) -> None:
    if config.audio.input == "none":
        raise ConfigError(
            'audio.input is "none", so there is nothing to listen to.',
            remedy="Name a microphone, or use `assistant replay` on recordings.",
        )
    clock = LoopClock()
    speaker: AudioSink = SilentSpeaker(clock) if config.audio.output == "none" else Speaker(config.audio)
    camera = None if config.vision.camera == "none" else open_camera(config.vision.camera, clock)
    observers: list[TurnObserver] = [Console(clock)]
    events = None
    if config.telemetry.events is not None:
        events = EventsFile(config.telemetry.events, log_content=config.telemetry.log_content, append=True)
        observers.append(events)
    governor = Governor(config, clock)
    observers.append(governor)
    assistant = Assistant(
        config, Devices(Microphone(config.audio), speaker, camera), ModelStore(config.models.dir), clock, observers
    )
    try:
        async with anyio.create_task_group() as group:
            # Before the seconds that the start takes: a signal without a handler would kill the process.
            await group.start(_end_on_signal, group.cancel_scope)
            await group.start(_toggle_mute, assistant)
            await group.start(_listen_now, assistant)
            await assistant.start()
            if config.governor.enabled and assistant.controls is not None:
                savings = LiveSavings(assistant.senses, config.governor.slow_rate_hz)
                group.start_soon(governor.run, savings, assistant.controls, assistant.emit)
            await assistant.run()
            group.cancel_scope.cancel()
    finally:
        await assistant.close()
        if events is not None:
            events.close()


async def _end_on_signal(scope: anyio.CancelScope, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()
            return


async def _toggle_mute(assistant: Assistant, *, task_status: TaskStatus[None]) -> None:
    """SIGUSR1 mutes and unmutes: the way back that needs no microphone."""
    with anyio.open_signal_receiver(signal.SIGUSR1) as signals:
        task_status.started()
        async for _ in signals:
            if assistant.controls is not None:
                await assistant.controls.toggle_mute()


async def _listen_now(assistant: Assistant, *, task_status: TaskStatus[None]) -> None:
    """SIGUSR2 is the talk button: what is said next needs no wake phrase."""
    with anyio.open_signal_receiver(signal.SIGUSR2) as signals:
        task_status.started()
        async for _ in signals:
            if assistant.controls is not None:
                await assistant.controls.listen_now()
