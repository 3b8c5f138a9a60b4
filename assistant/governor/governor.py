"""Reads the sensors every few seconds, takes the steps that the policy calls for, and says so."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from assistant.config import Config
from assistant.errors import AssistantError, StageError
from assistant.events import Event, Notice, ReplyChunk, StageFailed, StageRecovered
from assistant.governor.policy import STEPS, Change, Policy
from assistant.governor.reading import Reading
from assistant.governor.savings import Savings
from assistant.governor.sensors import Sensors
from assistant.governor.sentences import WITHOUT, reason, spoken, written
from assistant.heap import trim_heap
from assistant.ports import Clock
from assistant.stages import SIGHT
from assistant.worker import Worker

_SAY_AGAIN_S = 600.0
_READ_TIMEOUT_S = 5.0


class Announces(Protocol):
    """Who says something aloud: `assistant.controls.LiveControls`."""

    muted: bool

    async def announce(self, text: str, language: str) -> object:
        """Say something as soon as nobody else speaks."""


class Governor:
    """A `TurnObserver`, so that it speaks the language of the conversation."""

    def __init__(self, config: Config, clock: Clock, sensors: Sensors | None = None) -> None:
        self._config = config.governor
        self._clock = clock
        self._sensors = sensors or Sensors()
        self._policy = Policy(config.governor)
        self._language = _first_language(config)
        self._said_at_s: dict[str, float] = {}
        self.reading = Reading()
        """What the sensors said last."""

    @property
    def step(self) -> int:
        """0 does everything, 3 the least; see `assistant.governor.policy.STEPS`."""
        return self._policy.step

    def status(self) -> str:
        """What it does without now, and what is worst, in a line."""
        worst = self._policy.worst
        evidence = worst.evidence if worst and self.reading != Reading() else "nothing measured"
        return f"{WITHOUT[self.step] if self.step else 'nothing'} ({evidence})"

    def on_event(self, event: Event) -> None:
        """Note which language is spoken."""
        if isinstance(event, ReplyChunk):
            self._language = event.language

    async def run(self, savings: Savings, voice: Announces, emit: Callable[[Event], None]) -> None:
        """Until cancelled; then everything is given back. `emit` gets a `Notice` of every step."""
        # A bus that is stuck stays stuck for a new process too, and the assistant can do without it.
        worker = Worker("sensors", timeout_s=_READ_TIMEOUT_S, restart_helps=False)
        try:
            async with anyio.create_task_group() as group:
                while True:
                    await self._clock.sleep_until(self._clock.monotonic_s() + self._config.every_s)
                    try:
                        self.reading = await worker.run(self._sensors.read)
                    except StageError:  # a sensor that hangs (a bus that is stuck) says nothing, not even what it said
                        self.reading = Reading()
                        continue
                    change = self._policy.decide(self.reading, self._clock.monotonic_s())
                    if change is not None:
                        self._take(change, savings, emit)
                        self._say(change, voice, group)
        finally:
            worker.close()
            savings.apply(0)

    def _take(self, change: Change, savings: Savings, emit: Callable[[Event], None]) -> None:
        now_s = self._clock.monotonic_s()
        savings.apply(change.step)
        if change.because is not None and change.because.cause == "memory":
            gc.collect()
            trim_heap()
        cause = change.because.cause if change.because else "recovery"
        emit(Notice(now_s, "governor", written(change), {"step": change.step, "because": cause}))
        if change.step == STEPS:
            remedy = "It comes back by itself when the machine has recovered."
            emit(StageFailed(now_s, SIGHT, reason(change.because), remedy))
        elif change.before == STEPS:
            emit(StageRecovered(now_s, SIGHT))

    def _say(self, change: Change, voice: Announces, group: TaskGroup) -> None:
        text = spoken(change, self._language)
        now_s = self._clock.monotonic_s()
        if text is None or voice.muted or not self._config.announce:
            return
        if now_s - self._said_at_s.get(text, -_SAY_AGAIN_S) >= _SAY_AGAIN_S:
            self._said_at_s[text] = now_s
            group.start_soon(self._announce, voice, text)

    async def _announce(self, voice: Announces, text: str) -> None:
        # What cannot be said is still written, and no reason to stop saving.
        with suppress(AssistantError):
            await voice.announce(text, self._language)


def _first_language(config: Config) -> str:
    """The language before anyone has spoken."""
    if config.dialogue.reply_language != "same":
        return config.dialogue.reply_language
    return config.asr.languages[0] if config.asr.language == "auto" else config.asr.language
