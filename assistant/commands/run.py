"""`assistant run`: the assistant on this machine's own devices, with what looks after it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio

from assistant.clock import LoopClock
from assistant.commands.sound import check_microphone
from assistant.control.address import own_socket, sockets_beside
from assistant.control.instance import only_instance
from assistant.control.server import ControlServer
from assistant.heap import share_arenas
from assistant.inference.engines import ENGINES
from assistant.kept import KEPT
from assistant.ports import TurnObserver
from assistant.service.answers import Answers
from assistant.service.journal import set_up_logging
from assistant.service.life import Lives
from assistant.service.notify import Notifier, keep_told
from assistant.service.service import Service
from assistant.service.signals import handle_signals
from assistant.settings import Settings, load_settings
from assistant.state import state_dir
from assistant.telemetry.latency import LatencyStatistics


def run_live(config_path: Path | None) -> None:
    """Converse until Ctrl-C or SIGTERM. Raises `DeviceError` when there is no microphone, and `AlreadyRunningError`
    when another assistant has the control socket, or is the service of this machine."""
    share_arenas()
    settings = _load(config_path)
    set_up_logging()
    socket = own_socket(settings.config)
    with only_instance(socket, sockets_beside(settings.config, socket)), ENGINES.building(), KEPT.keeping():
        anyio.run(_run, settings, partial(_load, config_path), socket)


def _load(path: Path | None) -> Settings:
    settings = load_settings(path)
    check_microphone(settings.config.audio, instead="`assistant replay` on recordings")
    return settings


async def _run(settings: Settings, load: partial[Settings], socket: Path) -> None:
    latency = LatencyStatistics(state_dir(settings.config) / "latency.json")
    observers: list[TurnObserver] = [latency]
    lives = Lives(LoopClock(), observers, latency)
    service = Service(settings, load, lives.live)
    answers = Answers(service, latency)
    observers.append(answers)
    notifier = Notifier()

    def save() -> None:
        notifier.send(STOPPING="1")
        lives.save()
        latency.save()

    try:
        async with anyio.create_task_group() as companions:
            # Before the seconds that the start takes: a signal without a handler would kill the process.
            await companions.start(handle_signals, service, companions, save, lives.toggle_mute)
            await companions.start(ControlServer(socket, answers).serve)
            companions.start_soon(latency.keep)
            if notifier.wanted:
                companions.start_soon(keep_told, notifier, service)
            await service.run()
            companions.cancel_scope.cancel()
    finally:
        latency.save()
        await lives.close()
