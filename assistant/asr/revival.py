"""Has a recogniser's process that died or hung replaced, and tells of it."""

from __future__ import annotations

import math

import anyio

from assistant.asr.process import STARTS_S, RecognizerProcess
from assistant.errors import AssistantError
from assistant.ports import Clock
from assistant.stages import StageReports
from assistant.worker import Worker

STAGE = "recognizer process"
"""Not "recognizer": what was said is not lost with the process, and is answered when another is there."""

_LOOKS_EVERY_S = 0.5
_TRIED_AGAIN_S = (0.0, 0.0, 1.0, 2.5)
"""Least time from one start to the next, by the deaths since it last worked; the last one repeats, for ever: nothing
can be understood meanwhile, and 5 s after the cause is gone something is to be, of which loading takes a second or two.
A start that fails costs half a second of the processor if nothing loads, a second if the network does; not at a low
priority, which an unprivileged process never gets rid of."""
_SETTLED_S = 60.0
"""A process that has lived for so long works."""


class Revival:
    """Of one process, for one assistant."""

    def __init__(self, process: RecognizerProcess, worker: Worker, clock: Clock, stages: StageReports | None) -> None:
        """`worker` is whose thread asks the process; failures are told by `stages`, unless it is None."""
        self._process = process
        self._worker = worker
        self._clock = clock
        self._stages = stages
        self._one_at_a_time = anyio.Lock()
        self._deaths = 0
        self._started_at_s = clock.monotonic_s()
        self._not_before_s = -math.inf
        self._error: AssistantError | None = None
        """Why there is none; None while nobody has found it dead."""

    async def watch(self) -> None:
        """Replace it whenever it dies, also while nobody speaks, until cancelled."""
        while True:
            await anyio.sleep(_LOOKS_EVERY_S)
            try:
                await self.ensure()
            except AssistantError:
                continue  # it is told, and tried again

    async def ensure(self) -> None:
        """Return once there is a process. Raises why there is none, at once where it is too early to try again."""
        async with self._one_at_a_time:
            if self._process.pid is not None:
                return
            if self._error is None:
                self._note_death(self._process.failure)
            if self._clock.monotonic_s() < self._not_before_s:
                assert self._error is not None
                raise self._error
            await self._restart()

    def works(self) -> None:
        """It has just recognised something."""
        self._deaths = 0

    async def _restart(self) -> None:
        self._started_at_s = self._clock.monotonic_s()
        try:
            await self._worker.run_within(STARTS_S + 10.0, self._process.restart)
        except AssistantError as error:
            self._note_death(error, took_s=self._clock.monotonic_s() - self._started_at_s)
            raise
        self._error = None
        if self._stages is not None:
            self._stages.works(STAGE)

    def _note_death(self, error: AssistantError, *, took_s: float = 0.0) -> None:
        """`took_s` is for how long it was being started, which leaves the machine as long to others."""
        now_s = self._clock.monotonic_s()
        if self._error is None and now_s - self._started_at_s > _SETTLED_S:
            self._deaths = 0
        pause_s = _TRIED_AGAIN_S[min(self._deaths, len(_TRIED_AGAIN_S) - 1)]
        self._not_before_s = max(self._started_at_s + pause_s, now_s + took_s)
        self._deaths += 1
        self._error = error
        if self._stages is not None:
            self._stages.still_failing(STAGE, error)
