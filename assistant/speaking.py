"""From sentences to sound: the next sentence is synthesised while the last one plays, and both end at once when the
person interrupts."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from assistant.audio.echo import EchoGuard
from assistant.errors import DeviceError, StageError
from assistant.events import (
    AudioArray,
    Event,
    PlaybackFinished,
    PlaybackStarted,
    SpeechChunk,
    StageFailed,
    StageRecovered,
    StageTimed,
    Utterance,
)
from assistant.ports import AudioSink, Clock, SpeakingStyle


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and how to say it."""

    text: str
    language: str
    style: SpeakingStyle


class Voices(Protocol):
    """What synthesises: `assistant.tts.process.SpeechProcess`, or a double."""

    def speak(self, sentence: str, language: str, style: SpeakingStyle) -> AsyncGenerator[tuple[AudioArray, int], None]:
        """Blocks of speech (n,) and their sample rate. Raises `StageError`."""


class Speaking:
    """Speaks replies, one at a time."""

    def __init__(
        self,
        voices: Voices,
        sink: AudioSink,
        clock: Clock,
        emit: Callable[[Event], None],
        guard: EchoGuard | None = None,
    ) -> None:
        """`guard` is told what is played and when."""
        self._voices = voices
        self._sink = sink
        self._clock = clock
        self._emit = emit
        self._guard = guard
        self._failing: set[str] = set()
        """Stages that failed when they were last used."""
        self.audible = False
        """Whether a reply is being heard right now."""
        self._silent_since_s = -math.inf

    def overlaps(self, utterance: Utterance) -> bool:
        """Whether a reply was heard while the person spoke."""
        return self.audible or utterance.started_at_s < self._silent_since_s

    async def speak(
        self, turn_id: int, sentences: AsyncGenerator[Sentence, None], may_begin: Callable[[], Awaitable[None]]
    ) -> None:
        """Say all sentences, the first one once `may_begin` returns. Cancelling it stops the sound at once;
        `PlaybackFinished` tells what was heard."""
        playback = _Playback(turn_id, self._sink.played_s())
        send, receive = anyio.create_memory_object_stream[SpeechChunk](1)
        completed = False
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._synthesize, playback, sentences, send)
                await self._play(playback, receive, may_begin)
            await self._drain(playback)
            completed = not playback.failed
        finally:
            if not completed:
                self._sink.stop()
                if self._guard is not None:
                    self._guard.cut(self._clock.monotonic_s())
            if self.audible:
                self.audible, self._silent_since_s = False, self._clock.monotonic_s()
            played_s = self._sink.played_s() - playback.played_before_s
            heard = playback.heard(played_s)
            self._emit(PlaybackFinished(self._clock.monotonic_s(), turn_id, played_s, heard, completed))

    async def play(self, chunk: SpeechChunk) -> None:
        """A short sound of the assistant's own, such as the one that says it listens."""
        try:
            self._tell_guard(await self._sink.play(chunk), chunk)
        except DeviceError as error:
            self._fail("speaker", error)

    async def _synthesize(
        self,
        playback: _Playback,
        sentences: AsyncGenerator[Sentence, None],
        send: MemoryObjectSendStream[SpeechChunk],
    ) -> None:
        # When cancelled, both iterations end now and not when they are collected: the voice is free for what is next.
        async with send, aclosing(sentences):
            async for sentence in sentences:
                try:
                    await self._synthesize_one(playback, sentence, send)
                except StageError as error:
                    playback.failed = True
                    self._fail("synthesizer", error)

    async def _synthesize_one(
        self, playback: _Playback, sentence: Sentence, send: MemoryObjectSendStream[SpeechChunk]
    ) -> None:
        asked_at_s, started = self._clock.monotonic_s(), time.perf_counter()
        unsaid = sentence.text
        async with aclosing(self._voices.speak(sentence.text, sentence.language, sentence.style)) as blocks:
            async for samples, rate_hz in blocks:
                now_s = self._clock.monotonic_s()
                if playback.first_block_at_s is None:
                    self._recover("synthesizer")
                    playback.first_block_at_s = now_s
                    compute_s = time.perf_counter() - started
                    self._emit(StageTimed(now_s, playback.turn_id, "synthesize", asked_at_s, compute_s))
                chunk = SpeechChunk(now_s, playback.turn_id, samples, rate_hz, unsaid)
                unsaid = ""
                self._emit(chunk)
                await send.send(chunk)

    async def _play(
        self,
        playback: _Playback,
        receive: MemoryObjectReceiveStream[SpeechChunk],
        may_begin: Callable[[], Awaitable[None]],
    ) -> None:
        async with receive:
            async for chunk in receive:
                if playback.failed_device:
                    continue
                if not playback.started:
                    await may_begin()
                try:
                    heard_at_s = await self._sink.play(chunk)
                except DeviceError as error:
                    playback.failed = playback.failed_device = True
                    self._fail("speaker", error)
                    continue
                self._recover("speaker")
                self.audible = True
                self._tell_guard(heard_at_s, chunk)
                playback.add(chunk)
                if playback.started:
                    continue
                playback.started = True
                waiting_since_s = playback.first_block_at_s or heard_at_s
                self._emit(StageTimed(heard_at_s, playback.turn_id, "output", waiting_since_s, 0.0))
                self._emit(PlaybackStarted(heard_at_s, playback.turn_id))

    async def _drain(self, playback: _Playback) -> None:
        try:
            await self._sink.drain()
        except DeviceError as error:
            playback.failed = True
            self._fail("speaker", error)

    def _tell_guard(self, heard_at_s: float, chunk: SpeechChunk) -> None:
        if self._guard is not None:
            self._guard.reference(heard_at_s, chunk.samples, chunk.sample_rate_hz)

    def _fail(self, stage: str, error: DeviceError | StageError) -> None:
        self._failing.add(stage)
        self._emit(StageFailed(self._clock.monotonic_s(), stage, error.message, error.remedy or ""))

    def _recover(self, stage: str) -> None:
        if stage in self._failing:
            self._failing.discard(stage)
            self._emit(StageRecovered(self._clock.monotonic_s(), stage))


class _Playback:
    """One reply on its way."""

    def __init__(self, turn_id: int, played_before_s: float) -> None:
        self.turn_id = turn_id
        self.played_before_s = played_before_s
        self.first_block_at_s: float | None = None
        self.started = False
        self.failed = False
        self.failed_device = False
        self._sentences: list[tuple[float, str]] = []
        self._queued_s = 0.0

    def add(self, chunk: SpeechChunk) -> None:
        """A chunk has begun to play."""
        if chunk.text:
            self._sentences.append((self._queued_s, chunk.text))
        self._queued_s += len(chunk.samples) / chunk.sample_rate_hz

    def heard(self, played_s: float) -> str:
        """The sentences that had begun within the first `played_s` seconds."""
        return " ".join(text for begins_s, text in self._sentences if begins_s < played_s)
