"""Holds the assistant: starts it, brings a new configuration into force, and ends it.

A configuration that cannot be brought into force changes nothing: one that is wrong is not even tried, and when the
assistant does not start with it (a device that is missing, a model that was not pulled), it starts with the old one.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import anyio

from assistant.app import Assistant
from assistant.config import Config
from assistant.errors import AssistantError, ControlError
from assistant.health import Health
from assistant.heap import trim_heap
from assistant.service.changes import after_restart, changed_keys, needs_new_assistant
from assistant.settings import Settings
from assistant.telemetry.recorder import Recorder

_LOG = logging.getLogger(__name__)
_LAST_WORDS_S = 10.0
"""How long a reload waits for the end of a sentence."""

State = Literal["starting", "running", "reloading", "stopping"]


@dataclass(frozen=True, slots=True)
class Running:
    """An assistant that has started."""

    assistant: Assistant
    dropped: Callable[[], Mapping[str, int]]
    """What was lost: name → count."""
    saving: Callable[[], str] = str
    """What is done without to spare the machine; see `assistant.governor`."""
    look_anew: Callable[[], object] = bool
    """Have another device that was put in the place of one that is gone taken for it."""
    recorder: Recorder | None = None
    """Keeps what it gets; None if nothing is kept."""


Live = Callable[[Config, Callable[[Running], None], bool], Awaitable[None]]
"""Lives one assistant of a configuration, until its microphone ends or it is cancelled; tells when it has started. The
flag forbids it to start without a microphone and wait for one."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What came of a reload."""

    changed: list[str]
    restarted: bool
    after_restart: list[str]


@dataclass(slots=True)
class _Trial:
    """Settings to be brought into force, and what came of it."""

    settings: Settings
    over: anyio.Event = field(default_factory=anyio.Event)
    error: AssistantError | None = None


class Service:
    """One assistant after the other, in one process."""

    def __init__(self, settings: Settings, load: Callable[[], Settings], live: Live) -> None:
        """`load` reads the configuration again; it may raise `ConfigError`."""
        self.settings = settings
        """What is in force."""
        self.config_error = ""
        """Why the configuration that was read last is not in force; empty if it is."""
        self.reloading_since_s: float | None = None
        self._load = load
        self._live = live
        self._running: Running | None = None
        self._volume: float | None = None
        """How loud the last assistant was."""
        self._trial: _Trial | None = None
        self._one_reload = anyio.Lock()
        self._scope = anyio.CancelScope()
        self._stopping = False

    @property
    def state(self) -> State:
        """What it is about."""
        if self._stopping:
            return "stopping"
        if self.reloading_since_s is not None:
            return "reloading"
        return "starting" if self._running is None else "running"

    def running(self) -> Running:
        """The assistant. Raises `ControlError` while it starts."""
        if self._running is None:
            raise ControlError("The assistant is still starting.", remedy="Try again in a few seconds.")
        return self._running

    def health(self) -> Health:
        """Whether it hears, and what does not work; also while there is no assistant."""
        if self._running is not None:
            return self._running.assistant.health()
        reasons = {"reloading": "A new configuration is being brought into force.", "stopping": "It is ending."}
        return Health(hears=False, reason=reasons.get(self.state, "It is still starting."))

    async def run(self) -> None:
        """Until `stop`, or until the microphone ends. Raises what its start raises."""
        while not self._stopping:
            trial = self._trial
            settings = trial.settings if trial and trial.error is None else self.settings
            self._scope = anyio.CancelScope()
            try:
                with self._scope:
                    # A microphone that was just chosen and is not there is a mistake, not one that was unplugged.
                    changed = changed_keys(self.settings.config, settings.config)
                    config = settings.config if "audio.volume" in changed else self._as_loud(settings.config)
                    await self._live(config, self._has_started, "audio.input" in changed)
                    return
            except AssistantError as error:
                if trial is None or trial.error is not None or trial.over.is_set():
                    raise
                trial.error = error
            finally:
                self._note_volume()
                self._running = None
            # The networks of the last one make room for those of the next: tasks and their tracebacks refer to each
            # other in circles.
            gc.collect()
            trim_heap()

    def stop(self) -> None:
        """Have `run` end; nothing that is being said is finished."""
        self._stopping = True
        self._scope.cancel()

    async def reload(self) -> Reloaded:
        """Read the configuration again and bring it into force. Raises `ConfigError` or whatever keeps the assistant
        from starting with it, the old one is in force then; `ControlError` while it starts."""
        async with self._one_reload:
            self.running()
            try:
                return await self._reload()
            except AssistantError as error:
                self.config_error = str(error)
                _LOG.error("The configuration was not changed; the old one stays in force. %s", error)
                raise

    async def _reload(self) -> Reloaded:
        settings = await asyncio.get_running_loop().run_in_executor(None, self._load)
        if self._running is not None:  # it may have ended while the file was read
            self._running.look_anew()
        changed = changed_keys(self.settings.config, settings.config)
        restart = needs_new_assistant(changed)
        if restart:
            await self._try(settings)
        else:
            controls = self.running().assistant.controls
            if "audio.volume" in changed and controls is not None:
                controls.set_volume(settings.config.audio.volume)
            self.settings = settings
        self.config_error = ""
        _LOG.info("The configuration is in force; changed: %s.", ", ".join(changed) or "nothing")
        return Reloaded(changed, restart, after_restart(changed))

    async def _try(self, settings: Settings) -> None:
        """End the assistant and start one of these settings, or of the old ones if that fails."""
        with anyio.move_on_after(_LAST_WORDS_S):
            # Nothing here may hold on to it: its networks make room for those of the next.
            await self.running().assistant.turns.idle()
        trial = self._trial = _Trial(settings)
        self.reloading_since_s = anyio.current_time()
        try:
            self._scope.cancel()
            await trial.over.wait()
        finally:
            self.reloading_since_s = None
        if trial.error is not None:
            raise trial.error

    def _note_volume(self) -> None:
        controls = self._running.assistant.controls if self._running is not None else None
        if controls is not None:
            self._volume = controls.volume()

    def _as_loud(self, config: Config) -> Config:
        """With the loudness that was asked for since the start, which a reload leaves as it is."""
        if self._volume is None:
            return config
        return config.model_copy(update={"audio": config.audio.model_copy(update={"volume": self._volume})})

    def _has_started(self, running: Running) -> None:
        self._running = running
        trial, self._trial = self._trial, None
        if trial is not None:
            if trial.error is None:
                self.settings = trial.settings
            trial.over.set()
