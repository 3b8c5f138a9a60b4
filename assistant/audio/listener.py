"""From the microphone to speech events, through losses of the microphone."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TypeVar

import anyio

from assistant.audio.echo import EchoGuard
from assistant.audio.echo_memory import EchoMemory
from assistant.audio.hearing import Hearing
from assistant.audio.overload import Overload
from assistant.audio.scoring import Scoring
from assistant.common import Common
from assistant.errors import AssistantError, DeviceError
from assistant.events import AudioFrame, Event, SpeechContinued, Utterance
from assistant.models.store import ModelStore
from assistant.ports import AudioSource, Clock, VoiceActivityDetector, WakeWordDetector
from assistant.registry import resolve
from assistant.stages import MICROPHONE, VOICE_ACTIVITY_DETECTOR, StageReports
from assistant.vad import DETECTORS
from assistant.vad.endpointing import Endpointer, SpeechEvent
from assistant.wake.first_stage import open_first_stage

T = TypeVar("T")

_PROGRESS_S = 0.2
"""How often a streaming recogniser is handed what was said."""

_OPENED_AGAIN_S = (0.0, 0.5, 1.0, 2.0)
"""Least time between one opening of the microphone and the next, until it is proven to hear; the last one repeats."""

_HANGS_S = 3.0
"""A source that does not even say that nothing came hangs."""

_SLACK_S = 60.0
"""What a recogniser may need beyond its longest, to be given up, replaced and asked again."""


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
        wake_threshold: float = 0.5,
        on_wake: Callable[[float], None] = lambda at_s: None,
        on_open: Callable[[], None] = lambda: None,
        hearing: Hearing | None = None,
    ) -> None:
        """`progress_s` asks for a `SpeechContinued` that often while someone speaks, for a streaming recogniser.
        `on_wake` is told when `first_stage` hears what may be the wake phrase: when its score is `wake_threshold`.
        `on_open` is told that the microphone was opened."""
        self._source = source
        self._scoring = Scoring(detector, first_stage)
        self._endpointer = endpointer
        self._clock = clock
        self._emit = emit
        self._progress_s = progress_s
        self._guard = guard
        self._wake_threshold = wake_threshold
        self._on_wake, self._on_open = on_wake, on_open
        self._stages = StageReports(clock, emit)
        self._overload = Overload(clock, emit)
        self._allowed = anyio.Event()
        self._allowed.set()
        self._waiting = anyio.CancelScope()
        self._close_due = False
        self._is_open = False
        self._opened_at_s, self._openings = -math.inf, 0
        self._ended = False
        self.hearing = hearing or Hearing(clock)
        """Whether it hears, and why not."""

    @classmethod
    def create(
        cls,
        common: Common,
        models: ModelStore,
        source: AudioSource,
        *,
        streaming: bool,
        echoes: EchoMemory | None = None,
        on_wake: Callable[[float], None] = lambda at_s: None,
    ) -> Listener:
        """With the detectors that the sections `vad` and `wake` name; `streaming` if the recogniser takes speech as it
        comes. The guard of `echoes` takes part."""
        config, clock = common.config, common.clock
        longest_s = 2 * config.asr.patience_s(config.vad.max_utterance_s)  # asked again, by another process
        return cls(
            source,
            resolve(DETECTORS, config.vad.backend, kind="voice-activity detector").create(config, models),
            Endpointer(config.vad),
            clock,
            common.emit,
            progress_s=_PROGRESS_S if streaming else None,
            guard=echoes.guard if echoes is not None else None,
            first_stage=open_first_stage(config, models) if config.wake.mode == "phrase" else None,
            wake_threshold=config.wake.first_stage_threshold,
            on_wake=on_wake,
            on_open=echoes.opened if echoes is not None else lambda: None,
            hearing=Hearing(clock, config.audio.digital_silence, behind_s=longest_s + _SLACK_S),
        )

    def end_after(self, silence_s: float, utterance: Utterance) -> None:
        """End the pause of `utterance` after another silence than the usual; see `Endpointer.end_after`."""
        self._endpointer.end_after(silence_s, utterance)

    async def pause(self) -> None:
        """Close the microphone until `resume`: now, also while nobody takes what it has heard."""
        self.forbid()
        await self._source.close()

    def forbid(self) -> None:
        """Have the microphone closed, or not opened, until `resume`."""
        if self._allowed.is_set():
            self._allowed, self._close_due = anyio.Event(), True
            self._waiting.cancel()
            self._note_closed()

    def resume(self) -> None:
        """Open the microphone again."""
        self._allowed.set()

    def begin(self, failure: DeviceError | None = None) -> None:
        """The microphone is open, or somebody has tried to open it: `events` then goes on trying."""
        if failure is not None:
            self._stages.failed(MICROPHONE, failure)
            self.hearing.lost(failure.message, waiting=True)
            return
        self._is_open = True
        self._opened_at_s = self._clock.monotonic_s()
        self._overload.begin(self._source.dropped)
        self.hearing.opened(self._source.name)
        self._on_open()

    async def events(self) -> AsyncGenerator[SpeechEvent | SpeechContinued, None]:
        """Speech events until the source ends. It is opened unless it is open already (see `begin`), and again when it
        is lost, as often as it takes. Whoever stops listening before its end closes it."""
        try:
            while not self._ended:
                await self._open_when_possible()
                failure: AssistantError | None = None
                try:
                    async with aclosing(self._listen()) as events:
                        async for event in events:
                            yield event
                except AssistantError as error:
                    failure = error
                for event in await self._rest():
                    yield event
                if failure is not None:
                    self._fail(failure)
                for event in self._finish():
                    yield event
                await self._close(failed=failure is not None and not self._must_close())
        finally:
            self._scoring.close()

    async def _listen(self) -> AsyncGenerator[SpeechEvent | SpeechContinued, None]:
        """Until the source ends, or the microphone shall be closed."""
        progress_at_s = 0.0
        async with aclosing(self._source.frames()) as frames:
            while (heard := await self._next(frames)) is not None:
                self.hearing.arrived(heard, self._source.dropped, virtual=self._source.virtual)
                self._overload.note(self._source.dropped)
                for frame in self._guard.clean(heard) if self._guard is not None else [heard]:
                    for event in await self._judge(frame):
                        yield event
                    if self._progress_s is not None and frame.at_s >= progress_at_s:
                        utterance = self._endpointer.so_far(frame.at_s)
                        if utterance is not None:
                            progress_at_s = frame.at_s + self._progress_s
                            yield SpeechContinued(frame.at_s, utterance)

    async def _rest(self) -> list[SpeechEvent]:
        """What the echo guard still withholds when the sound stops; nothing if the microphone was closed on purpose."""
        if self._guard is None or self._must_close():
            return []
        events: list[SpeechEvent] = []
        with suppress(AssistantError):  # a detector that has failed is told of already
            for frame in self._guard.rest():
                events += await self._judge(frame)
        return events

    async def _judge(self, frame: AudioFrame) -> list[SpeechEvent]:
        """What became known by this frame. Raises `AssistantError`."""
        score = await self._score(frame)
        return self._endpointer.accept(frame, score, sooner_s=self._guard.sooner_s if self._guard is not None else 0.0)

    async def _score(self, frame: AudioFrame) -> float:
        """The probability that it is speech. Raises `AssistantError`."""
        probability, wake_score = await self._scoring.score(frame)
        self.hearing.passed(frame, probability)
        if self.hearing.proven:
            self._works()
        if wake_score >= self._wake_threshold:
            self._on_wake(frame.at_s)
        return probability

    async def _next(self, frames: AsyncGenerator[AudioFrame, None]) -> AudioFrame | None:
        """The next frame; None at the source's end, and when the microphone shall be closed."""
        if self._must_close():
            return None
        self.hearing.expecting()
        with anyio.move_on_after(_HANGS_S) as self._waiting:
            try:
                return await self._ask(frames.__anext__)
            except StopAsyncIteration:
                self._ended = not self._must_close()
                return None
        if self._must_close():
            return None
        raise DeviceError(
            f"The microphone '{self._source.name}' hangs.",
            remedy="Unplug it and plug it in again, or restart the sound server.",
        )

    def _must_close(self) -> bool:
        """Whether it was closed by `pause`, or is to be, however soon it may be opened again."""
        return self._close_due

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Whatever a sound library raises is the microphone's failure."""
        try:
            return await call()
        except (AssistantError, StopAsyncIteration):
            raise
        except Exception as error:
            raise DeviceError(
                f"The microphone '{self._source.name}' failed: {error!r}.", remedy="`assistant doctor` tells more."
            ) from error

    def _finish(self) -> list[SpeechEvent]:
        """What was being said when the sound stopped reached us whole as far as it goes; what comes next is new. If the
        microphone was closed on purpose, it is not for us."""
        on_purpose, now_s = self._must_close(), self._clock.monotonic_s()
        events = self._endpointer.discard(now_s) if on_purpose else self._endpointer.flush(now_s)
        self._endpointer.reset()
        self._scoring.reset()
        if self._guard is not None:
            self._guard.pause() if on_purpose else self._guard.forget()
        return events

    async def _close(self, *, failed: bool = False) -> None:
        self._is_open = False
        self._note_closed()
        await self._source.close(failed=failed)

    def _note_closed(self) -> None:
        self.hearing.closed()
        self._overload.end()

    def _fail(self, error: AssistantError) -> None:
        stage = MICROPHONE if isinstance(error, DeviceError) else VOICE_ACTIVITY_DETECTOR
        silent = stage == MICROPHONE and self.hearing.digitally_silent
        self.hearing.lost(error.message, waiting=silent)
        self._stages.still_failing(stage, error)

    def _works(self) -> None:
        self._openings = 0
        for stage in (MICROPHONE, VOICE_ACTIVITY_DETECTOR):
            self._stages.works(stage)

    async def _open_when_possible(self) -> None:
        """Open the microphone, as soon as it may be and can be."""
        while True:
            if self._must_close():  # it may have been opened in that very moment
                await self._close()
            await self._allowed.wait()
            if not self._allowed.is_set():
                continue
            self._close_due = False
            if self._is_open:
                return
            pause_s = _OPENED_AGAIN_S[min(self._openings, len(_OPENED_AGAIN_S) - 1)]
            await self._clock.sleep_until(self._opened_at_s + pause_s)
            if not self._allowed.is_set():
                continue
            self._opened_at_s = self._clock.monotonic_s()
            self._openings += 1
            try:
                await self._ask(self._source.open)
                self.begin()
            except DeviceError as error:
                self.hearing.lost(error.message, waiting=True)
                self._stages.still_failing(MICROPHONE, error)
