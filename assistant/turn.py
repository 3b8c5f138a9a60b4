"""Turns: what is addressed to the assistant is answered, one turn at a time, and the person may interrupt.

    speech paused ──► recognise ahead
    speech ended ──► recognise ──► addressed? ──► answer ──► speak ──► follow-up window ──► asleep
                                                    ▲          │
                                     a newer turn ──┴─ cancels ┴── so does speech over the reply

A turn lives in a cancel scope: an interruption cancels it, and with it all that was still to be said.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream

from assistant.answering import Reply
from assistant.asr.transcriber import Timed, Transcriber
from assistant.audio import earcons
from assistant.errors import StageError
from assistant.events import (
    Event,
    Interruption,
    Notice,
    SpeechChunk,
    SpeechContinued,
    SpeechEnded,
    SpeechPaused,
    SpeechStarted,
    StageFailed,
    StageTimed,
    Transcript,
    TurnFinished,
    TurnStarted,
    Utterance,
    WakeWordDetected,
)
from assistant.ports import Clock, Recognition
from assistant.speaking import Speaking
from assistant.vad.endpointing import SpeechEvent
from assistant.wake.attention import Admission, Attention

_WAITING_UTTERANCES = 4
"""Utterances that may wait for the recogniser; beyond that the microphone's own bounded queue takes over."""

_PATIENCE_S = 3.0
"""How long a reply or an announcement waits for someone to fall silent."""

_ANNOUNCED_AT_MOST = 3


class Answering(Protocol):
    """What finds the reply: `assistant.answering.Answering`, or a double."""

    def answer(self, transcript: Transcript, utterance: Utterance) -> Reply:
        """The reply to what was just said."""

    async def understands(self, text: str, language: str) -> bool:
        """Whether `text` is a request that can be fulfilled."""

    async def end_silence_s(self, text: str, language: str) -> float:
        """How long someone who said `text` must be silent to have finished."""

    def announcement(self, turn_id: int, text: str, language: str) -> Reply:
        """A reply to nothing: a timer that rings."""


@dataclass(frozen=True, slots=True)
class _Turn:
    turn_id: int
    scope: anyio.CancelScope


class Turns:
    """Owns the state of the conversation: who speaks, which turn is current, and whether anyone is attended to."""

    def __init__(
        self,
        transcriber: Transcriber,
        attention: Attention,
        answering: Answering,
        speaking: Speaking,
        clock: Clock,
        emit: Callable[[Event], None],
        *,
        barge_in: bool,
        end_after: Callable[[float, Utterance], None],
    ) -> None:
        """`end_after` has the endpointer end the pause of an utterance after that many seconds of silence."""
        self._transcriber = transcriber
        self._attention = attention
        self._answering = answering
        self._speaking = speaking
        self._clock = clock
        self._emit = emit
        self._barge_in = barge_in
        self._end_after = end_after
        self._last_turn_id = 0
        self._current: _Turn | None = None
        self._floor = anyio.Lock()
        self._person_speaks = False
        self._waiting = 0
        self._recognizing_ahead = False
        self._changed = anyio.Event()

    async def run(self, events: AsyncIterator[SpeechEvent | SpeechContinued]) -> None:
        """Converse until the speech events end and everything heard has been answered."""
        send, receive = anyio.create_memory_object_stream[Utterance](_WAITING_UTTERANCES)
        async with anyio.create_task_group() as group:
            group.start_soon(self._take_utterances, receive, group)
            async with send:
                async for event in events:
                    if not isinstance(event, SpeechContinued):
                        self._emit(event)
                    if isinstance(event, SpeechStarted):
                        self._person_speaks = True
                        if self._speaking.audible and self._barge_in:
                            self._interrupt("speech")
                    elif isinstance(event, SpeechPaused) and self._attention.may_be_meant(event.utterance):
                        group.start_soon(self._recognize_ahead, event.utterance)
                    elif isinstance(event, SpeechContinued) and self._attention.may_be_meant(event.utterance):
                        group.start_soon(self._hand_on, event.utterance)
                    elif isinstance(event, SpeechEnded):
                        self._waiting += 1
                        self._person_speaks = False
                        self._notify()
                        await send.send(event.utterance)
            await self.idle()
            group.cancel_scope.cancel()

    async def idle(self) -> None:
        """Return when nobody speaks and nothing is left to answer."""
        while self._busy():
            await self._changed.wait()

    def _busy(self) -> bool:
        return self._person_speaks or self._waiting > 0 or self._current is not None

    async def announce(self, text: str, language: str) -> None:
        """Ring and say something outside a turn, as soon as no turn is going on and nobody speaks; a television that
        never falls silent is not waited for. What was interrupted is said again, unless it led to a request."""
        for _ in range(_ANNOUNCED_AT_MOST):
            turn = await self._announce_once(text, language)
            with anyio.move_on_after(_PATIENCE_S):
                await self.idle()
            if not turn.scope.cancel_called or self._last_turn_id > turn.turn_id:
                return

    async def _announce_once(self, text: str, language: str) -> _Turn:
        while True:
            with anyio.move_on_after(_PATIENCE_S):
                await self.idle()
            async with self._floor:
                if self._current is None:
                    turn = self._current = self._next_turn()
                    reply = self._answering.announcement(turn.turn_id, text, language)
                    await self._speak(turn, reply, earcons.ringing(self._clock.monotonic_s(), turn.turn_id))
                    return turn
            await self._changed.wait()

    def _interrupt(self, reason: str) -> None:
        """Void the current turn: it falls silent and nothing more of it will be heard."""
        if self._current is None or self._current.scope.cancel_called:
            return
        self._emit(Interruption(self._clock.monotonic_s(), self._current.turn_id, reason))
        self._current.scope.cancel()

    async def _hand_on(self, utterance: Utterance) -> None:
        """Let a streaming recogniser have what is new."""
        with suppress(StageError):  # the recognition proper will fail too, and say so
            await self._transcriber.partial(utterance)

    async def _recognize_ahead(self, utterance: Utterance) -> None:
        """Recognise while the endpointer still waits, and tell it for how long."""
        if self._recognizing_ahead:
            return  # a decoder that is behind gets no more work ahead
        self._recognizing_ahead = True
        try:
            recognition = (await self._transcriber.recognize(utterance)).recognition
            admission = self._attention.admit(recognition.text, utterance.started_at_s)
            if admission is not None and admission.command:
                silence_s = await self._answering.end_silence_s(admission.command, recognition.language)
                self._end_after(silence_s, utterance)
        except StageError:
            pass  # the recognition proper will fail too, and say so
        finally:
            self._recognizing_ahead = False

    async def _take_utterances(self, utterances: MemoryObjectReceiveStream[Utterance], group: TaskGroup) -> None:
        async with utterances:
            async for utterance in utterances:
                try:
                    await self._take(utterance, group)
                except StageError as error:
                    self._emit(StageFailed(self._clock.monotonic_s(), "recognizer", error.message, error.remedy or ""))
                finally:
                    self._waiting -= 1
                    self._notify()

    async def _take(self, utterance: Utterance, group: TaskGroup) -> None:
        if not self._attention.may_be_meant(utterance):
            return
        timed = await self._transcriber.recognize(utterance)
        admission = await self._admit(timed.recognition, utterance)
        if admission is None:
            return
        now_s = self._clock.monotonic_s()
        if admission.match is not None:
            self._emit(WakeWordDetected(now_s, admission.match.phrase, admission.match.score))
        self._interrupt("newer request")
        async with self._floor:
            pass  # the interrupted turn has ended
        if not admission.command:
            await self._speaking.play(earcons.listening(now_s, self._last_turn_id))
            self._follow_up(group)
            return
        self._current = self._next_turn()
        group.start_soon(self._run_turn, self._current, admission, timed, utterance, group)

    async def _admit(self, recognition: Recognition, utterance: Utterance) -> Admission | None:
        """What the utterance asks, None if it is not for the assistant."""
        admission = self._attention.admit(recognition.text, utterance.started_at_s)
        if admission is None or admission.match is not None:
            return admission
        if self._speaking.overlaps(utterance):
            # Without barge-in, what is heard over a reply may well be the reply itself.
            return admission if self._barge_in else None
        waiting = self._current is not None
        if waiting and not await self._answering.understands(admission.command, recognition.language):
            return None  # an afterthought ("please") does not take the place of the request before it
        return admission

    async def _run_turn(
        self, turn: _Turn, admission: Admission, timed: Timed, utterance: Utterance, group: TaskGroup
    ) -> None:
        recognition, turn_id, now_s = timed.recognition, turn.turn_id, self._clock.monotonic_s()
        transcript = Transcript(
            now_s, turn_id, admission.command, recognition.language, recognition.confidence, is_final=True
        )
        for event in (
            TurnStarted(now_s, turn_id, utterance.ended_at_s),
            StageTimed(utterance.at_s, turn_id, "endpoint", utterance.ended_at_s, 0.0),
            StageTimed(timed.finished_at_s, turn_id, "recognize", timed.started_at_s, timed.compute_s),
            transcript,
        ):
            self._emit(event)
        reply = self._answering.answer(transcript, utterance)
        async with self._floor:
            self._attention.hold()
            await self._speak(turn, reply)
        if reply.ends_conversation:
            self._attention.end()
            self._emit(Notice(self._clock.monotonic_s(), "asleep"))
        else:
            self._follow_up(group)

    async def _speak(self, turn: _Turn, reply: Reply, sound: SpeechChunk | None = None) -> None:
        """Speak a reply to its end, or until it is interrupted; `sound` comes before it."""
        self._current = turn
        try:
            with turn.scope:
                if sound is not None:
                    await self._speaking.play(sound)
                    await anyio.sleep(len(sound.samples) / sound.sample_rate_hz)
                await self._speaking.speak(turn.turn_id, reply.sentences, self._person_is_done)
        finally:
            self._current = None
            self._emit(TurnFinished(self._clock.monotonic_s(), turn.turn_id))
            self._notify()

    async def _person_is_done(self) -> None:
        """Not to talk over someone who went on; whatever it is that goes on, it is not waited for long."""
        with anyio.move_on_after(_PATIENCE_S):
            while self._person_speaks or self._waiting:
                await self._changed.wait()

    def _next_turn(self) -> _Turn:
        self._last_turn_id += 1
        return _Turn(self._last_turn_id, anyio.CancelScope())

    def _follow_up(self, group: TaskGroup) -> None:
        until_s = self._attention.release()
        if math.isfinite(until_s):
            self._emit(Notice(self._clock.monotonic_s(), "attentive", details={"until_s": until_s}))
            group.start_soon(self._fall_asleep, until_s)

    async def _fall_asleep(self, until_s: float) -> None:
        await self._clock.sleep_until(until_s)
        if not self._attention.attentive(self._clock.monotonic_s() + 1e-3):
            self._emit(Notice(self._clock.monotonic_s(), "asleep"))

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
