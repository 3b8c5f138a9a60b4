"""From sentences to sound: the next sentence is synthesised while the last one plays.

When someone speaks over a reply, `hold` has it fall silent at once; it goes on where it stopped as soon as it may, and
when the reply is cancelled instead, synthesis and sound end together.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from assistant.audio.echo import EchoGuard
from assistant.common import Common
from assistant.conversation.own_voice import OwnVoice
from assistant.conversation.playback import REWIND_S, Playback, Tape
from assistant.conversation.reply import Sentence
from assistant.conversation.speaking_ahead import Voices, VoicesAhead
from assistant.errors import DeviceError, StageError
from assistant.events import (
    AudioArray,
    PlaybackFinished,
    PlaybackPaused,
    PlaybackResumed,
    PlaybackStarted,
    SpeechChunk,
    StageTimed,
    Utterance,
)
from assistant.ports import AudioSink, Onset
from assistant.stages import OUTPUT, SPEAKER, SYNTHESIZE, SYNTHESIZER

_WANTED_S = 10.0
"""So long after its speaker was first found lost, a reply of which nothing was heard is still waited for."""
_LOOKS_AGAIN_S = 0.25


class Speaking:
    """Speaks replies, one at a time."""

    def __init__(self, common: Common, voices: Voices, sink: AudioSink, *, guard: EchoGuard | None) -> None:
        """`guard` is told what is played and when."""
        self._clock, self._emit, self._stages = common.clock, common.emit, common.stages
        self._voices = VoicesAhead(voices)
        self._sink = sink
        self._own_voice = OwnVoice(guard, sink, common.clock)
        sink.heard_otherwise = self._heard_otherwise
        self._playback: Playback | None = None
        self._last_words = ""

    @property
    def audible(self) -> bool:
        """Whether a reply is being heard right now; a paused one is not, nor one that is long in coming to its next
        sentence."""
        return self._playback is not None and self._playback.sounds and self._own_voice.lingers

    @property
    def paused(self) -> bool:
        """Whether a reply that was being heard is held."""
        return self._playback is not None and self._playback.paused

    def overlaps(self, utterance: Utterance) -> bool:
        """Whether a reply was heard while the person spoke. What begins with its last sound answers it."""
        return self._own_voice.overlaps(utterance)

    def may_have_said(self, text: str, utterance: Utterance, *, asks: bool) -> bool:
        """Whether `text` may be a piece of the reply that the microphone heard; see `OwnVoice.may_have_said`."""
        return self._own_voice.may_have_said(text, self._words(), utterance, asks=asks)

    def _words(self) -> str:
        """What is being said, or was said last, up to a second ahead of what was heard."""
        if self._playback is None:
            return self._last_words
        self._playback.tape.note(self._sink.played_s())
        return self._playback.tape.begun(self._playback.tape.heard_s + 1.0)

    async def prepare(self, sentence: Sentence) -> None:
        """Synthesise what will probably be said next; returns when that is done or discarded."""
        await self._voices.prepare(sentence.text, sentence.language, sentence.style)

    def discard(self) -> None:
        """What was prepared will not be said."""
        self._voices.discard()

    def hold(self) -> None:
        """Fall silent at once, or do not begin, until the reply's `may_go_on` returns; unless its last sound has been
        heard."""
        playback = self._playback
        if playback is None or playback.run is None or playback.run.cancel_called or self._heard_out(playback):
            return
        playback.run.cancel()
        self._own_voice.stop()
        between_sentences = playback.sounds and not self.audible
        playback.tape.rewind(self._sink.played_s(), 0.0 if between_sentences else REWIND_S)
        if playback.sounds:
            self._mark_silent(playback)
            playback.paused = True
            self._emit(PlaybackPaused(self._clock.monotonic_s(), playback.turn_id))

    async def speak(
        self,
        turn_id: int,
        sentences: AsyncGenerator[Sentence, None],
        may_go_on: Callable[[], Awaitable[None]],
        *,
        awaits_speaker: bool = False,
    ) -> bool:
        """Say all sentences; the first one, and the rest after a `hold`, once `may_go_on` returns. Cancelling it stops
        the sound at once; `PlaybackFinished` tells what was heard, and the result whether that was all. One that
        `awaits_speaker` is said when a speaker that was lost before the first sound comes back soon."""
        playback = self._playback = Playback(turn_id, Tape(self._sink.played_s()), awaits_speaker)
        send, receive = anyio.create_memory_object_stream[SpeechChunk](1)
        completed = False
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._synthesize, playback, sentences, send)
                async with receive:
                    await self._play_with_pauses(playback, receive, may_go_on)
            completed = not playback.failed and not playback.lost
        finally:
            if playback.sounds:
                self._mark_silent(playback)
            self._playback = None
            if not completed:
                self._own_voice.stop()
            # Of one that never began, nothing: what was played is the silence by which a lost speaker is tried.
            tape = playback.tape if playback.started else Tape(self._sink.played_s())
            tape.note(self._sink.played_s())
            self._last_words = begun = tape.begun()
            heard = begun if completed else tape.heard()
            played_s, now_s = tape.heard_s, self._clock.monotonic_s()
            self._emit(PlaybackFinished(now_s, turn_id, played_s, heard, completed, begun))
        return completed

    async def play(self, chunk: SpeechChunk) -> bool:
        """A short sound of the assistant's own, such as the one that says it listens; whether the speaker took it.

        The guard is not told: nobody takes notes for speech, and whoever answers them at once shall be heard."""
        try:
            await self._sink.play(chunk)
        except DeviceError as error:
            self._stages.failed(SPEAKER, error)
            return False
        return True

    async def wait_out(self, chunk: SpeechChunk) -> None:
        """Return at the end of a sound that `play` has begun. Cancelling it stops the sound."""
        ended = False
        try:
            await anyio.sleep(len(chunk.samples) / chunk.sample_rate_hz)
            ended = True
        finally:
            if not ended:
                self._own_voice.stop()

    async def _synthesize(
        self,
        playback: Playback,
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
                    self._stages.failed(SYNTHESIZER, error)

    async def _synthesize_one(
        self, playback: Playback, sentence: Sentence, send: MemoryObjectSendStream[SpeechChunk]
    ) -> None:
        asked_at_s, started = self._clock.monotonic_s(), time.perf_counter()
        unsaid = sentence.text
        async with aclosing(self._voices.speak(sentence.text, sentence.language, sentence.style)) as blocks:
            async for samples, rate_hz in blocks:
                now_s = self._clock.monotonic_s()
                self._stages.works(SYNTHESIZER)
                if playback.first_block_at_s is None:
                    playback.first_block_at_s = now_s
                    compute_s = time.perf_counter() - started
                    self._emit(StageTimed(now_s, playback.turn_id, SYNTHESIZE, asked_at_s, compute_s))
                chunk = SpeechChunk(now_s, playback.turn_id, samples, rate_hz, unsaid)
                unsaid = ""
                playback.tape.foresee(chunk)
                self._emit(chunk)
                await send.send(chunk)

    async def _play_with_pauses(
        self,
        playback: Playback,
        chunks: MemoryObjectReceiveStream[SpeechChunk],
        may_go_on: Callable[[], Awaitable[None]],
    ) -> None:
        while True:
            playback.all_given = False
            await may_go_on()
            with anyio.CancelScope() as playback.run:
                for chunk in list(playback.tape.rest()):
                    await self._play(playback, chunk)
                async for chunk in chunks:
                    playback.tape.add(chunk)
                    await self._play(playback, chunk)
                playback.all_given = True
                await self._drain(playback)
                if not await self._speaker_returned(playback):
                    return

    async def _play(self, playback: Playback, chunk: SpeechChunk) -> None:
        if playback.lost:
            return
        try:
            onset = await self._sink.play(chunk)
        except DeviceError as error:
            playback.lost = True
            playback.wanted_until_s = min(playback.wanted_until_s, self._clock.monotonic_s() + _WANTED_S)
            self._stages.failed(SPEAKER, error)
            return
        self._stages.works(SPEAKER)
        if playback.run is not None and playback.run.cancel_called:
            return  # held in this very moment
        heard_at_s = onset.at_s
        playback.sounds = True
        self._own_voice.begin(onset, chunk.samples, chunk.sample_rate_hz)
        playback.tape.note(self._sink.played_s())
        if playback.paused:
            playback.paused = False
            self._emit(PlaybackResumed(heard_at_s, playback.turn_id))
        if not playback.started:
            playback.started = True
            waiting_since_s = playback.first_block_at_s or heard_at_s
            self._emit(StageTimed(heard_at_s, playback.turn_id, OUTPUT, waiting_since_s, 0.0))
            self._emit(PlaybackStarted(heard_at_s, playback.turn_id))

    async def _drain(self, playback: Playback) -> None:
        # Of a reply without a word, such as that to "stop", nothing can fail: the sink would tell of what came before.
        if playback.lost or playback.tape.is_empty:
            return
        try:
            await self._sink.drain()
        except DeviceError as error:
            playback.failed = True
            self._stages.failed(SPEAKER, error)

    async def _speaker_returned(self, playback: Playback) -> bool:
        """Whether a reply of which nothing was heard can be said now; waits for its speaker as long as it is wanted."""
        while playback.awaits_speaker and playback.lost and not playback.started:
            now_s = self._clock.monotonic_s()
            if not self._stages.is_failing(SPEAKER):
                playback.lost = False
                playback.tape.rewind(self._sink.played_s())
                return True
            if now_s >= playback.wanted_until_s:
                break
            await self._clock.sleep_until(now_s + _LOOKS_AGAIN_S)
        return False

    def _heard_out(self, playback: Playback) -> bool:
        """Whether nothing but silence is left to be heard."""
        return playback.sounds and playback.all_given and self._own_voice.is_over

    def _mark_silent(self, playback: Playback) -> None:
        self._own_voice.fell_silent(heard_out=self._heard_out(playback))
        playback.sounds = False

    def _heard_otherwise(self, onset: Onset, rest: AudioArray, sample_rate_hz: int) -> None:
        if self._playback is not None and self._playback.sounds:
            self._own_voice.begin(onset, rest, sample_rate_hz)
