"""Turns: what is addressed to the assistant is answered, one turn at a time, and the person may interrupt.

speech paused ──► head start: recognise, prepare
speech ended ──► recognise ──► addressed? ──► answer ──► speak ──► follow-up window ──► asleep
                                                ▲          │
                                 a newer turn ──┴─ cancels ┘   speech over the reply holds it; nothing said: goes on
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream

from assistant.asr.transcriber import Timed, Transcriber
from assistant.audio import earcons
from assistant.config import Config
from assistant.conversation.announcing import Announcer
from assistant.conversation.answering import Reply
from assistant.conversation.floor import Floor, Turn
from assistant.conversation.head_start import Foresight, HeadStart
from assistant.conversation.speaking import Speaking
from assistant.dialogue.overlap import echoes, is_backchannel, is_hum
from assistant.errors import AssistantError
from assistant.events import (
    Event,
    Notice,
    SpeechContinued,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    StageTimed,
    Transcript,
    TurnStarted,
    Utterance,
    WakeWordDetected,
)
from assistant.ports import Clock, Recognition
from assistant.stages import StageReports
from assistant.vad.endpointing import SpeechEvent
from assistant.vad.habits import PauseHabits
from assistant.wake.attention import Admission, Attention

_WAITING_UTTERANCES = 1
"""Utterances that may wait for the recogniser; beyond that the microphone's own bounded queue takes over. They come
before what is said next, so they are few: a machine that was too slow for a while soon answers at once again."""


class Answering(Foresight, Protocol):
    """What finds the reply: `assistant.conversation.answering.Answering`, or a double."""

    def answer(self, transcript: Transcript, utterance: Utterance) -> Reply:
        """The reply to what was just said."""

    async def intent(self, text: str, language: str) -> str | None:
        """The name of the request that `text` is, None when it is none that can be fulfilled. Raises `StageError`."""

    def announcement(self, turn_id: int, text: str, language: str) -> Reply:
        """A reply to nothing: a timer that rings."""


class Turns:
    """Owns the conversation: decides what is addressed, answers it, and whether anyone is attended to."""

    def __init__(
        self,
        transcriber: Transcriber,
        attention: Attention,
        answering: Answering,
        speaking: Speaking,
        clock: Clock,
        emit: Callable[[Event], None],
        config: Config,
        end_after: Callable[[float, Utterance], None],
    ) -> None:
        """`end_after` has the endpointer end the pause of an utterance after that many seconds of silence."""
        self._transcriber = transcriber
        self._attention = attention
        self._answering = answering
        self._speaking = speaking
        self._clock = clock
        self._emit = emit
        self._barge_in = config.tts.barge_in
        self._stages = StageReports(clock, emit)
        self._floor = floor = Floor(speaking, clock, emit, barge_in=config.tts.barge_in)
        self._habits = habits = PauseHabits(config.vad)
        self._head_start = HeadStart(transcriber, attention, answering, speaking, floor, clock, emit, end_after, habits)
        self._announcer = Announcer(floor, clock, answering.announcement)
        self._group: TaskGroup | None = None
        self._begun = anyio.Event()
        self._window = anyio.CancelScope()
        self._called_at_s = -math.inf
        self.announce = self._announcer.announce
        self.idle = floor.idle

    async def run(self, events: AsyncIterator[SpeechEvent | SpeechContinued]) -> None:
        """Converse until the speech events end and everything heard has been answered."""
        send, receive = anyio.create_memory_object_stream[Utterance](_WAITING_UTTERANCES)
        async with anyio.create_task_group() as self._group:
            self._group.start_soon(self._take_utterances, receive)
            self._begun.set()
            async with send:
                async for event in events:
                    if not isinstance(event, SpeechContinued):
                        self._emit(event)
                    self._hear(event, self._group)
                    if isinstance(event, SpeechEnded):
                        await send.send(event.utterance)
            await self.idle()
            self._group.cancel_scope.cancel()

    async def listen_now(self) -> None:
        """Listen to what is said next, without a wake phrase; whatever is being said is broken off, and what had been
        said before is not answered any more."""
        await self._begun.wait()
        assert self._group is not None
        self._called_at_s = self._clock.monotonic_s()
        self._floor.interrupt("called")
        await self._invite(self._group)

    def _hear(self, event: SpeechEvent | SpeechContinued, group: TaskGroup) -> None:
        self._habits.note(event)
        match event:
            case SpeechStarted():
                self._floor.person_began()
            case SpeechPaused() if self._worth_recognizing(event.utterance):
                group.start_soon(self._head_start.take, event.utterance)
            case SpeechContinued() if self._attention.may_be_meant(event.utterance):
                group.start_soon(self._head_start.hand_on, event.utterance)
            case SpeechResumed():
                self._head_start.void()
            case SpeechEnded():
                self._head_start.commit()
                self._floor.person_ended()

    def _worth_recognizing(self, utterance: Utterance) -> bool:
        # What is said over a reply, or before its first word, may be "stop", which needs no wake phrase.
        return self._attention.may_be_meant(utterance) or self._floor.overlaps(utterance)

    def _given_up(self, utterance: Utterance) -> bool:
        """Whether the talk button was pressed since."""
        return utterance.at_s <= self._called_at_s

    async def _take_utterances(self, utterances: MemoryObjectReceiveStream[Utterance]) -> None:
        async with utterances:
            async for utterance in utterances:
                try:
                    await self._take(utterance)
                except AssistantError as error:
                    self._stages.failed("recognizer", error)
                finally:
                    self._floor.dealt_with()

    async def _take(self, utterance: Utterance) -> None:
        assert self._group is not None
        if self._given_up(utterance) or not self._worth_recognizing(utterance):
            return
        timed = await self._transcriber.recognize(utterance)
        self._stages.works("recognizer")
        admission = await self._admit(timed.recognition, utterance)
        if admission is None or self._given_up(utterance):
            return
        self._habits.learn(utterance)
        now_s = self._clock.monotonic_s()
        if admission.match is not None:
            self._emit(WakeWordDetected(now_s, admission.match.phrase, admission.match.score))
        if not admission.command and self._attention.called_again(now_s):
            return
        reason = "speech" if self._speaking.overlaps(utterance) else "newer request"
        if admission.command:
            turn = await self._floor.take_over(reason)
            self._group.start_soon(self._run_turn, turn, admission, timed, utterance)
        else:
            self._floor.interrupt(reason)
            await self._invite(self._group)

    async def _admit(self, recognition: Recognition, utterance: Utterance) -> Admission | None:
        """What the utterance asks, None if it is not for the assistant."""
        text, language = recognition.text, recognition.language
        admission = self._attention.admit(text, utterance.started_at_s)
        if admission is not None and admission.match is not None:
            return admission
        if self._floor.overlaps(utterance) and await self._answering.intent(text, language) == "stop":
            return Admission(text, None)
        if self._speaking.overlaps(utterance):
            # Without barge-in, what is heard over a reply may well be the reply itself.
            nothing = is_backchannel(text) or echoes(text, self._speaking.words())
            return None if nothing or not self._barge_in else admission
        if admission is not None and (self._floor.current is not None or is_hum(text)):
            # An afterthought ("please") does not take the place of the request before it, and a hum is no request.
            return admission if await self._answering.intent(text, language) is not None else None
        return admission

    async def _run_turn(self, turn: Turn, admission: Admission, timed: Timed, utterance: Utterance) -> None:
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
        self._attention.hold()
        await self._floor.speak(turn, reply)
        if reply.ends_conversation:
            self._attention.end()
            self._emit(Notice(self._clock.monotonic_s(), "asleep"))
        else:
            await self._wait_for_more(self._attention.release())

    async def _invite(self, group: TaskGroup) -> None:
        """Say that it listens, without words, and do. Whoever goes on already needs no sound to talk over."""
        await self._floor.vacant()
        if not self._floor.person_speaks:
            await self._speaking.play(earcons.listening(self._clock.monotonic_s(), self._floor.last_turn_id))
        group.start_soon(self._wait_for_more, self._attention.open())

    async def _wait_for_more(self, until_s: float) -> None:
        """Show that no wake phrase is needed until then, and afterwards that it is again."""
        self._window.cancel()  # whoever waits for the end of the last one waits in vain
        if until_s == math.inf:
            return
        with anyio.CancelScope() as self._window:
            now_s = self._clock.monotonic_s()
            if until_s > now_s:
                self._emit(Notice(now_s, "attentive", details={"until_s": until_s}))
                await self._clock.sleep_until(until_s)
                await self.idle()  # who began within the window is still heard
            if self._attention.until_s == until_s:
                self._emit(Notice(self._clock.monotonic_s(), "asleep"))
