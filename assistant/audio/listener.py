"""From the microphone to speech events, through losses of the microphone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import anyio

from assistant.audio import portaudio
from assistant.audio.echo import EchoGuard
from assistant.config import Config
from assistant.errors import DeviceError, StageError
from assistant.events import AudioFrame, Event, SpeechContinued, StageFailed, StageRecovered, Utterance
from assistant.models.store import ModelStore
from assistant.ports import AudioSource, Clock, VoiceActivityDetector, WakeWordDetector
from assistant.registry import resolve
from assistant.vad import DETECTORS
from assistant.vad.endpointing import Endpointer, SpeechEvent
from assistant.wake import FIRST_STAGES
from assistant.worker import Worker

_PROGRESS_S = 0.2
"""How often a streaming recogniser is handed what was said."""

_WAKE_SCORE = 0.5
"""First stages scale their scores so that this is their own threshold."""

_RETRY_S = (0.5, 1.0, 2.0, 4.0)
"""Waits before the microphone is opened again; the last one repeats."""


class Listener:
    """Runs the voice-activity detector over the microphone and tells when someone speaks."""

    def __init__(
        self,
        source: AudioSource,
        detector: VoiceActivityDetector,
        endpointer: Endpointer,
        clock: Clock,
        emit: Callable[[Event], None],
        *,
        progress_s: float | None = None,
        guard: EchoGuard | None = None,
        first_stage: WakeWordDetector | None = None,
        on_wake: Callable[[float], None] = lambda at_s: None,
    ) -> None:
        """`progress_s` asks for a `SpeechContinued` that often while someone speaks, for a streaming recogniser.
        `on_wake` is told when `first_stage` hears what may be the wake phrase."""
        self._source = source
        self._detector = detector
        self._endpointer = endpointer
        self._clock = clock
        self._emit = emit
        self._progress_s = progress_s
        self._guard = guard
        self._first_stage = first_stage
        self._on_wake = on_wake
        self._worker = Worker("voice-activity detector", timeout_s=10.0)
        self._allowed = anyio.Event()
        self._allowed.set()
        self._ended = False

    @classmethod
    def create(
        cls,
        config: Config,
        models: ModelStore,
        source: AudioSource,
        clock: Clock,
        emit: Callable[[Event], None],
        *,
        streaming: bool,
        guard: EchoGuard | None = None,
        on_wake: Callable[[float], None] = lambda at_s: None,
    ) -> Listener:
        """With the detectors that the sections `vad` and `wake` name; `streaming` if the recogniser takes speech as it
        comes."""
        first_stage = None
        if config.wake.mode == "phrase" and config.wake.first_stage != "vad":
            first_stage = resolve(FIRST_STAGES, config.wake.first_stage, kind="first stage").create(config, models)
        return cls(
            source,
            resolve(DETECTORS, config.vad.backend, kind="voice-activity detector").create(config, models),
            Endpointer(config.vad),
            clock,
            emit,
            progress_s=_PROGRESS_S if streaming else None,
            guard=guard,
            first_stage=first_stage,
            on_wake=on_wake,
        )

    def end_after(self, silence_s: float, utterance: Utterance) -> None:
        """End the pause of `utterance` after another silence than the usual; see `Endpointer.end_after`."""
        self._endpointer.end_after(silence_s, utterance)

    def pause(self) -> None:
        """Close the microphone until `resume`."""
        if self._allowed.is_set():
            self._allowed = anyio.Event()

    def resume(self) -> None:
        """Open the microphone again."""
        self._allowed.set()

    async def events(self) -> AsyncIterator[SpeechEvent | SpeechContinued]:
        """Speech events until the source ends. The source must be open already, so that a missing one is noticed by
        whoever started the assistant; when it is lost later, it is opened again as often as it takes."""
        try:
            while not self._ended:
                try:
                    async for event in self._listen():
                        yield event
                except (DeviceError, StageError) as error:
                    stage = "microphone" if isinstance(error, DeviceError) else "voice-activity detector"
                    self._emit(StageFailed(self._clock.monotonic_s(), stage, error.message, error.remedy or ""))
                    for event in self._finish():
                        yield event
                    await self._reopen()
                    self._emit(StageRecovered(self._clock.monotonic_s(), stage))
                    continue
                for event in self._finish():
                    yield event
                if not self._ended:
                    await self._reopen()
        finally:
            await self._source.close()
            self._worker.close()

    async def _listen(self) -> AsyncIterator[SpeechEvent | SpeechContinued]:
        """Until the source ends, or the microphone shall be closed."""
        progress_at_s = 0.0
        async for heard in self._source.frames():
            frame = self._guard.clean(heard) if self._guard is not None else heard
            probability, wake_score = await self._worker.run(self._score, frame)
            if wake_score >= _WAKE_SCORE:
                self._on_wake(frame.at_s)
            for event in self._endpointer.accept(frame, probability):
                yield event
            if self._progress_s is not None and frame.at_s >= progress_at_s:
                utterance = self._endpointer.so_far(frame.at_s)
                if utterance is not None:
                    progress_at_s = frame.at_s + self._progress_s
                    yield SpeechContinued(frame.at_s, utterance)
            if not self._allowed.is_set():
                return
        self._ended = True

    def _finish(self) -> list[SpeechEvent]:
        """What was being said when the sound stopped reached us whole as far as it goes; what comes next is new."""
        events = self._endpointer.flush(self._clock.monotonic_s())
        self._detector.reset()
        self._endpointer.reset()
        if self._first_stage is not None:
            self._first_stage.reset()
        return events

    def _score(self, frame: AudioFrame) -> tuple[float, float]:
        """Probabilities of speech and of the wake phrase, on the worker's thread."""
        wake_score = self._first_stage.process(frame.samples) if self._first_stage is not None else 0.0
        return self._detector.probability(frame.samples), wake_score

    async def _reopen(self) -> None:
        """Open the microphone again, as soon as it may be and can be."""
        attempt = 0
        while True:
            await self._source.close()
            await self._allowed.wait()
            try:
                if attempt:
                    portaudio.rescan()
                await self._source.open()
                return
            except DeviceError:
                delay_s = _RETRY_S[min(attempt, len(_RETRY_S) - 1)]
                await self._clock.sleep_until(self._clock.monotonic_s() + delay_s)
                attempt += 1
