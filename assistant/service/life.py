"""One assistant of one configuration, on this machine's own devices, with what is told of it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from assistant.app import Assistant
from assistant.audio.microphone import Microphone
from assistant.config import Config
from assistant.controls import LiveControls
from assistant.errors import AssistantError
from assistant.governor.governor import Governor
from assistant.governor.savings import LiveSavings
from assistant.heap import keep_trimmed
from assistant.kept import KEPT
from assistant.models.store import ModelStore
from assistant.muting import MuteMemory
from assistant.opening import Devices
from assistant.ports import Clock, TurnObserver
from assistant.run_memory import RunMemory
from assistant.service.devices import KeptDevices
from assistant.service.journal import JournalLog, is_journal
from assistant.service.rehearsal import Rehearsal
from assistant.service.service import Running
from assistant.state import state_dir
from assistant.telemetry.console import Console
from assistant.telemetry.events_file import EventsFile
from assistant.telemetry.latency import LatencyStatistics
from assistant.telemetry.recorder import Recorder
from assistant.turn import Turns
from assistant.worker import closed_workers_ended

if TYPE_CHECKING:
    from assistant.telemetry.metrics import Metrics, Snapshot


_LOG = logging.getLogger(__name__)
_LAST_CALLS_S = 2.0
"""How long the calls that an assistant has left behind may take to end before another uses its networks."""


class Lives:
    """Makes them: `live` is what `Service` calls. What did not change is kept from one to the next: devices stay open
    and networks loaded until `close`."""

    def __init__(self, clock: Clock, observers: Sequence[TurnObserver], latency: LatencyStatistics) -> None:
        """`observers` outlive each assistant; `latency` is one of them, which the metrics show."""
        self._clock = clock
        self._observers = observers
        self._latency = latency
        self._devices = KeptDevices(clock)
        self._events: EventsFile | None = None
        self._microphone: Microphone | None = None
        self._lost: Counter[str] = Counter()
        """Name → count, of the events files, microphones and assistants before these."""
        self._turns: Turns | None = None
        self._memory: RunMemory | None = None
        self._state: Path | None = None
        self._controls: LiveControls | None = None
        """Of an assistant that has started."""
        self._toggle_due = False
        self._one_has_started = False

    async def live(self, config: Config, started: Callable[[Running], None], must_hear: bool) -> None:
        """Converse until the microphone ends or this is cancelled. Raises `ConfigError` for an events file that cannot
        be written, and what the assistant's start raises; with `must_hear`, also that there is no microphone."""
        await self._let_go_of_what_hangs()
        devices, microphone = await self._devices.of(config)
        governor = Governor(config, self._clock)
        metrics = _metrics(config)
        self._count_anew(microphone, _events_file(config))
        observers = [_log(config, self._clock), *([self._events] if self._events else []), governor, *self._observers]
        observers += [metrics] if metrics else []
        rehearsal = Rehearsal(devices.voices, config) if devices.voices else None
        observers += [rehearsal] if rehearsal else []
        if self._memory is None:  # what `state` says holds from the start of the process on
            self._state = state_dir(config)
            self._memory = RunMemory(self._state)
        memory, state = self._memory, self._state
        recorder = Recorder.create(config.recorder, state, self._clock)
        self._devices.record_with(recorder)
        observers += [recorder] if recorder else []
        models = ModelStore(config.models.dir)
        assistant = Assistant(config, devices, models, self._clock, observers, state=state, memory=memory)
        try:
            await self._toggle_before_start(memory.mute, devices)
            with KEPT.starting():
                # One that was unplugged since may come back: it would have been waited for without a reload too.
                waits = self._one_has_started or _waits_for_microphone(config)
                await assistant.start(wait_for_microphone=waits and not must_hear)
            await self._toggle_after_start(assistant.controls)
            self._controls, self._turns, self._one_has_started = assistant.controls, assistant.turns, True
            started(Running(assistant, self._dropped, governor.status, self._devices.look_anew, recorder))
            async with anyio.create_task_group() as group:
                group.start_soon(keep_trimmed)
                if rehearsal is not None:
                    group.start_soon(rehearsal.run)
                if config.governor.enabled and assistant.controls is not None:
                    savings = LiveSavings(assistant.senses, config.governor.slow_rate_hz)
                    group.start_soon(governor.run, savings, assistant.controls, assistant.emit)
                if metrics is not None:
                    snapshot = partial(self._snapshot, assistant, governor)
                    group.start_soon(metrics.offer, config.telemetry.metrics_port, snapshot, assistant.emit)
                await assistant.run()
                group.cancel_scope.cancel()
        finally:
            self._lost["utterances"] += self._turns.lost if self._turns is not None else 0
            self._controls = self._turns = None
            # What was recorded is safe before devices are closed, which may hang.
            if self._events is not None:
                self._events.close()
            await assistant.close()

    async def toggle_mute(self) -> None:
        """Mute the assistant, or unmute it. While none has started, the next one does so before all else."""
        if self._controls is None:
            self._toggle_due = not self._toggle_due
        else:
            await self._controls.toggle_mute()

    def save(self) -> None:
        """Write what was recorded so far."""
        if self._events is not None:
            self._events.flush()

    async def close(self) -> None:
        """Release the devices."""
        with anyio.CancelScope(shield=True):
            await self._devices.close()

    async def _toggle_before_start(self, mute: MuteMemory, devices: Devices) -> None:
        """What was asked for by now holds before a device is opened."""
        if not self._toggle_due:
            return
        self._toggle_due = False
        try:
            mute.remember(not mute.recall())
        except AssistantError as error:
            _LOG.warning("%s", error)
        if mute.recall():  # the last assistant may have left them open
            await devices.microphone.close()
            await devices.close_unwatched(watched=False)

    async def _toggle_after_start(self, controls: LiveControls | None) -> None:
        """What was asked for during the start is done before it listens."""
        while self._toggle_due and controls is not None:
            self._toggle_due = False
            await controls.toggle_mute()

    async def _let_go_of_what_hangs(self) -> None:
        """A network that still works for the assistant of before is not given to the next."""
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(None, closed_workers_ended, _LAST_CALLS_S):
            KEPT.forget()

    def _snapshot(self, assistant: Assistant, governor: Governor) -> Snapshot:
        from assistant.telemetry.metrics import Snapshot

        latency = self._latency.snapshot()
        return Snapshot(assistant.health(), governor.reading, governor.step, self._dropped(), latency)

    def _count_anew(self, microphone: Microphone, events: EventsFile | None) -> None:
        """These begin at 0, unless they are those of before; what was lost before stays counted."""
        if self._microphone is not None and self._microphone is not microphone:
            self._lost["microphone_frames"] += self._microphone.dropped
        if self._events is not None:
            self._lost["events"] += self._events.lost
        self._microphone, self._events = microphone, events

    def _dropped(self) -> dict[str, int]:
        now = Counter(microphone_frames=self._microphone.dropped if self._microphone is not None else 0)
        if self._turns is not None:
            now["utterances"] = self._turns.lost
        if self._events is not None:
            now["events"] = self._events.lost
        now.update(self._lost)
        return dict(now)


def _metrics(config: Config) -> Metrics | None:
    if not config.telemetry.metrics_port:
        return None
    from assistant.telemetry.metrics import Metrics  # only who wants them loads Prometheus' client

    return Metrics()


def _waits_for_microphone(config: Config) -> bool:
    """Whether to go on without a microphone until one is plugged in: a service has nobody to tell and must be there
    when one comes, a person at a terminal wants to know."""
    wanted = config.audio.wait_for_microphone
    return wanted == "yes" or (wanted == "auto" and "NOTIFY_SOCKET" in os.environ)


def _events_file(config: Config) -> EventsFile | None:
    telemetry = config.telemetry
    return EventsFile(telemetry.events, log_content=telemetry.log_content, append=True) if telemetry.events else None


def _log(config: Config, clock: Clock) -> TurnObserver:
    """The conversation on a terminal; in the journal, what its keeper wants to know."""
    return JournalLog(log_content=config.telemetry.log_content) if is_journal(sys.stdout) else Console(clock)
