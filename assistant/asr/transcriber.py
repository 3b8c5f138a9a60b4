"""Recognises ahead of the decision: while the endpointer still waits, what was said so far is already decoded."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeAlias, TypeVar

import numpy as np

from assistant.asr.process import ProcessLostError
from assistant.asr.remote import RemoteRecognizer
from assistant.asr.revival import Revival
from assistant.audio import SAMPLE_RATE_HZ
from assistant.config import AsrConfig
from assistant.errors import StageError
from assistant.events import Utterance
from assistant.ports import Clock, Recognition, Recognizer, RecognizerStream
from assistant.stages import StageReports
from assistant.worker import Worker

_FAILURES = 2
"""So many recognisers, one in the place of the other, may fail on one utterance. It is then what they fail on, and
others wait to be heard."""
_WAITS_S = 5.0
"""How long what was said waits, from its end on, for a try to start a recogniser that is away. Nobody expects an answer
any more then, and what is said next waits behind it. No bound on the whole: a try that has begun is waited for, a
second or two as a rule, `STARTS_S` and its proof where it loads very slowly."""
_SLACK_S = 10.0
"""How much later than a process of its own, which is killed, its thread is given up, which nothing ends."""
_PROOF_S = 0.5
"""Silence that a recogniser must recognise before it is told that it works again."""

P = ParamSpec("P")
T = TypeVar("T")
_Decoded: TypeAlias = tuple[Recognition, float]
"""A recognition and the seconds that it took."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A recognition and what it cost."""

    recognition: Recognition
    started_at_s: float
    finished_at_s: float
    compute_s: float
    """Seconds of decoding, by a performance counter."""


class Transcriber:
    """Drives one recogniser through one utterance at a time, on the recogniser's own thread.

    One that raises, or whose process (`assistant.asr.remote`) dies or hangs, is replaced, and the next is told once
    more all that was said in the utterance.
    """

    def __init__(
        self, recognizer: Recognizer, clock: Clock, config: AsrConfig, stages: StageReports | None = None
    ) -> None:
        """A recogniser that is replaced is told by `stages`."""
        self._recognizer = recognizer
        self._clock = clock
        self._language = None if config.language == "auto" else config.language
        self._config = config
        self._process = recognizer.process if isinstance(recognizer, RemoteRecognizer) else None
        self._worker = Worker("recogniser", timeout_s=config.timeout_s, only_asks=self._process is not None)
        self._revival = Revival(self._process, self._prove, self._worker, clock, stages)
        self._stream: RecognizerStream | None = None
        self._utterance_started_at_s: float | None = None
        self._accepted_samples = 0
        self._decoded: _Decoded | None = None
        """The result for all that was accepted; None when there is more since."""
        self._timed: tuple[_Decoded, Timed] | None = None
        self._process_number = 0
        """Which process has heard what was accepted."""
        self._failures: dict[int, StageError] = {}
        """How recognisers failed on the utterance that began at `_failed_at_s`, by their numbers."""
        self._failed_at_s = -math.inf

    async def recognize(self, utterance: Utterance, *, waits: bool = False, over_reply: bool = False) -> Timed:
        """The text of all of `utterance`.

        An utterance may grow from call to call: only what is new is handed to the recogniser, and when nothing is new
        the last result is returned, with the times at which it was really made. One that is just being started is
        waited for; with `waits`, for some seconds also one that does not start. What is said `over_reply` may be an
        interruption (`Recognition.perhaps`). Raises `StageError`.
        """
        asked_at_s = self._clock.monotonic_s()
        until_s = utterance.at_s + _WAITS_S if waits else -math.inf
        decoded = await self._decoded_by_any(utterance, until_s, over_reply)
        if self._timed is None or self._timed[0] is not decoded:
            recognition, compute_s = decoded
            self._timed = decoded, Timed(recognition, asked_at_s, self._clock.monotonic_s(), compute_s)
        return self._timed[1]

    async def partial(self, utterance: Utterance) -> str | None:
        """Hand what is new of `utterance` to a streaming recogniser; its text so far, None if it has no news."""
        number = await self._revival.ensure()
        try:
            return await self._ask(_seconds(utterance), self._accept, utterance)
        except ProcessLostError as error:
            self._failures_on(utterance)[number] = error
            raise

    async def watch(self) -> None:
        """Replace a recogniser that fails, until cancelled."""
        await self._revival.watch()

    def close(self) -> None:
        """Free the recogniser."""
        self._worker.close()
        self._recognizer.close()

    async def _decoded_by_any(self, utterance: Utterance, until_s: float, over_reply: bool) -> _Decoded:
        failures = self._failures_on(utterance)
        while len(failures) < _FAILURES:
            number = await self._revival.ensure(until_s)
            try:
                decoded = await self._ask(_seconds(utterance), self._decode, utterance, over_reply)
            except StageError as error:
                failures[number] = error
                self._revival.failed(number, error)
            else:
                self._revival.works()
                return decoded
        last = failures[max(failures)]
        raise StageError(
            f"What was said made the recogniser fail {_FAILURES} times, and is given up: {last.message}",
            remedy=last.remedy,
        )

    def _failures_on(self, utterance: Utterance) -> dict[int, StageError]:
        if utterance.started_at_s != self._failed_at_s:
            self._failures, self._failed_at_s = {}, utterance.started_at_s
        return self._failures

    async def _prove(self) -> None:
        """Raises `StageError` if it cannot recognise anything."""
        await self._ask(_PROOF_S, self._hear_silence)

    async def _ask(self, speech_s: float, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        patience_s = self._config.patience_s(speech_s)
        if self._process is not None:
            patience_s = 2 * patience_s + _SLACK_S
        return await self._worker.run_within(patience_s, call, *args, **kwargs)

    # The rest runs on the worker's thread.

    def _hear_silence(self) -> None:
        stream = self._recognizer.open(self._language)
        stream.accept(np.zeros(round(_PROOF_S * SAMPLE_RATE_HZ), np.float32))
        stream.result()

    def _decode(self, utterance: Utterance, over_reply: bool) -> _Decoded:
        """The last result if it still stands, else a new one."""
        started = time.perf_counter()
        self._accept(utterance)
        if self._decoded is None:
            with self._intact_stream() as stream:
                self._decoded = stream.result(over_reply=over_reply), time.perf_counter() - started
        return self._decoded

    def _accept(self, utterance: Utterance) -> str | None:
        assert utterance.sample_rate_hz == SAMPLE_RATE_HZ
        if utterance.started_at_s != self._utterance_started_at_s:
            self._stream = None
        if self._process is not None and self._process.starts != self._process_number:
            self._stream, self._process_number = None, self._process.starts
        if self._stream is None:
            self._stream = self._recognizer.open(self._language)
            self._utterance_started_at_s = utterance.started_at_s
            self._accepted_samples = 0
            self._decoded = None
        new = utterance.samples[self._accepted_samples :]
        if not len(new):
            return None
        self._accepted_samples += len(new)
        self._decoded = None
        with self._intact_stream() as stream:
            return stream.accept(new)

    @contextmanager
    def _intact_stream(self) -> Iterator[RecognizerStream]:
        """The stream. One that raises is not asked again: nobody knows what it has lost, so the next hears all anew."""
        assert self._stream is not None
        try:
            yield self._stream
        except BaseException:
            self._stream = None
            raise


def _seconds(utterance: Utterance) -> float:
    return len(utterance.samples) / utterance.sample_rate_hz
