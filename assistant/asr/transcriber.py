"""Recognises ahead of the decision: while the endpointer still waits, what was said so far is already decoded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from assistant.asr.process import ProcessLostError, RecognizerProcess
from assistant.asr.remote import RemoteRecognizer
from assistant.asr.revival import Revival
from assistant.audio import SAMPLE_RATE_HZ
from assistant.config import AsrConfig
from assistant.errors import StageError
from assistant.events import Utterance
from assistant.ports import Clock, Recognition, Recognizer, RecognizerStream
from assistant.stages import StageReports
from assistant.worker import Worker

_LOSSES = 2
"""So many processes may be lost in one utterance. It is then what ends them, and others wait to be heard."""
_SLACK_S = 10.0
"""How much later than a process of its own, which is killed, its thread is given up, which nothing ends."""

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

    One that has a process of its own (`assistant.asr.remote`) gets another when that dies or hangs, and is told once
    more all that was said in the utterance.
    """

    def __init__(
        self, recognizer: Recognizer, clock: Clock, config: AsrConfig, stages: StageReports | None = None
    ) -> None:
        """The death of the recogniser's process is told by `stages`."""
        self._recognizer = recognizer
        self._clock = clock
        self._language = None if config.language == "auto" else config.language
        self._config = config
        is_remote = isinstance(recognizer, RemoteRecognizer)
        self._worker = Worker("recogniser", timeout_s=config.timeout_s, only_asks=is_remote)
        self._process: RecognizerProcess | None = None
        self._revival: Revival | None = None
        if isinstance(recognizer, RemoteRecognizer):
            self._process = recognizer.process
            self._revival = Revival(recognizer.process, self._worker, clock, stages)
        self._stream: RecognizerStream | None = None
        self._utterance_started_at_s: float | None = None
        self._accepted_samples = 0
        self._decoded: _Decoded | None = None
        """The result for all that was accepted; None when there is more since."""
        self._timed: tuple[_Decoded, Timed] | None = None
        self._process_number = 0
        """Which process has heard what was accepted."""
        self._losses = 0
        """Processes that this utterance has cost."""

    async def recognize(self, utterance: Utterance) -> Timed:
        """The text of all of `utterance`.

        An utterance may grow from call to call: only what is new is handed to the recogniser, and when nothing is new
        the last result is returned, with the times at which it was really made. Raises `StageError`.
        """
        asked_at_s = self._clock.monotonic_s()
        try:
            decoded = await self._call(self._decode, utterance)
        except ProcessLostError:
            decoded = await self._call(self._decode, utterance)
        if self._timed is None or self._timed[0] is not decoded:
            recognition, compute_s = decoded
            self._timed = decoded, Timed(recognition, asked_at_s, self._clock.monotonic_s(), compute_s)
        return self._timed[1]

    async def partial(self, utterance: Utterance) -> str | None:
        """Hand what is new of `utterance` to a streaming recogniser; its text so far, None if it has no news."""
        return await self._call(self._accept, utterance)

    async def watch(self) -> None:
        """Replace the recogniser's process whenever it dies, until cancelled. Returns where there is none."""
        if self._revival is not None:
            await self._revival.watch()

    def close(self) -> None:
        """Free the recogniser."""
        self._worker.close()
        self._recognizer.close()

    async def _call(self, call: Callable[[Utterance], T], utterance: Utterance) -> T:
        patience_s = self._config.patience_s(len(utterance.samples) / utterance.sample_rate_hz)
        if self._revival is None:
            return await self._worker.run_within(patience_s, call, utterance)
        await self._revival.ensure()
        result = await self._worker.run_within(2 * patience_s + _SLACK_S, call, utterance)
        self._revival.works()
        return result

    def _decode(self, utterance: Utterance) -> _Decoded:
        """On the worker's thread: the last result if it still stands, else a new one."""
        started = time.perf_counter()
        self._accept(utterance)
        if self._decoded is None:
            with self._intact_stream() as stream:
                self._decoded = stream.result(), time.perf_counter() - started
        return self._decoded

    def _accept(self, utterance: Utterance) -> str | None:
        assert utterance.sample_rate_hz == SAMPLE_RATE_HZ
        if utterance.started_at_s != self._utterance_started_at_s:
            self._stream, self._losses = None, 0
        if self._losses >= _LOSSES:
            raise StageError(f"What was said has ended the recogniser {_LOSSES} times, and is not tried again.")
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
        except BaseException as error:
            self._stream = None
            self._losses += isinstance(error, ProcessLostError)
            raise
