"""Has a recogniser that died, hung or raised replaced, and tells of it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import anyio

from assistant.asr.process import STARTS_S, RecognizerProcess
from assistant.errors import AssistantError
from assistant.ports import Clock
from assistant.stages import RECOGNIZER, RECOGNIZER_PROCESS, StageReports
from assistant.worker import Worker

_LOOKS_EVERY_S = 0.5
_TRIED_AGAIN_S = (0.0, 0.0, 1.0, 2.5)
"""Least time from one start to the next, by the failures since it last worked; the last one repeats, for ever: nothing
can be understood meanwhile, and 5 s after the cause is gone something is to be, of which loading takes a second or two.
A start that fails costs half a second of the processor if nothing loads, a second if the network does; not at a low
priority, which an unprivileged process never gets rid of."""
_SETTLED_S = 60.0
"""A process that has lived for so long works."""


class Revival:
    """Of one recogniser, for one assistant."""

    def __init__(
        self,
        process: RecognizerProcess | None,
        prove: Callable[[], Awaitable[object]],
        worker: Worker,
        clock: Clock,
        stages: StageReports | None,
    ) -> None:
        """`process` is None for a recogniser that has none of its own, which is not replaced, only tried again.
        `prove` has it recognise a short silence, and raises if it cannot: one that loads may still be broken. `worker`
        is whose thread asks it; failures are told by `stages`, unless it is None."""
        self._process = process
        self._prove = prove
        self._worker = worker
        self._clock = clock
        self._stages = stages
        self._one_at_a_time = anyio.Lock()
        self._failures = 0
        self._started_at_s = clock.monotonic_s()
        self._not_before_s = -math.inf
        self._number = 0
        self._error: AssistantError | None = None
        """Why there is none; None while there is one, as far as anybody knows."""

    async def watch(self) -> None:
        """Replace it whenever it fails, also while nobody speaks, until cancelled."""
        while True:
            await anyio.sleep(_LOOKS_EVERY_S)
            try:
                await self.ensure()
            except AssistantError:
                continue  # it is told, and tried again
            if self._stages is not None:
                self._stages.works(RECOGNIZER)

    async def ensure(self, until_s: float = -math.inf) -> int:
        """Return once there is one: how many there were before it. Raises why there is none, after a try or where it is
        too early for one: at once, or from `until_s` on, in monotonic seconds. A try that has begun is seen to its end.
        """
        while True:
            try:
                return await self._ensure_now()
            except AssistantError:
                if self._clock.monotonic_s() >= until_s:
                    raise
            await self._clock.sleep_until(min(self._not_before_s, until_s))

    def works(self) -> None:
        """It has just recognised something."""
        self._failures = 0

    def failed(self, number: int, error: AssistantError) -> None:
        """The one of that number could not recognise something: another is to take its place."""
        if number == self._number and self._error is None:
            self._note_failure(error)

    async def _ensure_now(self) -> int:
        async with self._one_at_a_time:
            if self._error is None and self._process is not None and self._process.pid is None:
                self._note_failure(self._process.failure)
            if self._error is not None:
                if self._clock.monotonic_s() < self._not_before_s:
                    raise self._error
                await self._restart()
            return self._number

    async def _restart(self) -> None:
        self._started_at_s = self._clock.monotonic_s()
        try:
            if self._process is not None:
                await self._worker.run_within(STARTS_S + 10.0, self._process.restart)
            await self._prove()
        except AssistantError as error:
            self._note_failure(error, took_s=self._clock.monotonic_s() - self._started_at_s)
            raise
        self._error = None
        self._number += 1
        if self._stages is not None:
            self._stages.works(RECOGNIZER_PROCESS)

    def _note_failure(self, error: AssistantError, *, took_s: float = 0.0) -> None:
        """`took_s` is for how long it was being started, which leaves the machine as long to others."""
        now_s = self._clock.monotonic_s()
        if self._error is None and now_s - self._started_at_s > _SETTLED_S:
            self._failures = 0
        pause_s = _TRIED_AGAIN_S[min(self._failures, len(_TRIED_AGAIN_S) - 1)]
        self._not_before_s = max(self._started_at_s + pause_s, now_s + took_s)
        self._failures += 1
        self._error = error
        if self._stages is not None:
            self._stages.still_failing(RECOGNIZER_PROCESS, error)
