"""Turns: what is addressed to the assistant is answered, one turn at a time, and the person may interrupt.

speech paused ──► head start: recognise, prepare
speech ended ──► recognise ──► addressed? ──► answer ──► speak ──► follow-up window ──► asleep
                                                ▲          │
                                 a newer turn ──┴─ cancels ┘   speech over the reply holds it; nothing said: goes on
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream

from assistant.asr.transcriber import Timed, Transcriber
from assistant.audio import earcons
from assistant.common import Common
from assistant.conversation.addressee import AddresseeDetector, Understanding
from assistant.conversation.announcing import Announcer
from assistant.conversation.cut_off import CutOff
from assistant.conversation.floor import Floor, Turn
from assistant.conversation.head_start import Foresight, HeadStart
from assistant.conversation.long_speech import LongSpeech
from assistant.conversation.reply import Reply
from assistant.conversation.speaking import Speaking
from assistant.conversation.talk_button import TalkButton
from assistant.conversation.window import Window
from assistant.errors import AssistantError, ControlError
from assistant.events import (
    SpeechContinued,
    SpeechDiscarded,
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
from assistant.stages import ENDPOINT, RECOGNIZE, RECOGNIZER
from assistant.vad.endpointing import SpeechEvent
from assistant.vad.habits import PauseHabits
from assistant.wake.attention import Admission, Attention

_WAITING_UTTERANCES = 1
"""Utterances that may wait for the recogniser; beyond that the microphone's own bounded queue takes over. They come
before what is said next, so they are few: a machine that was too slow for a while soon answers at once again."""


class Answering(Understanding, Foresight, Protocol):
    """What finds the reply: `assistant.conversation.answering.Answering`, or a double."""

    def answer(self, transcript: Transcript, utterance: Utterance) -> Reply:
        """The reply to what was just said."""

    def announcement(self, turn_id: int, text: str, language: str) -> Reply:
        """A reply to nothing: a timer that rings."""


class Turns:
    """Owns the conversation: decides what is addressed, answers it, and whether anyone is attended to."""

    def __init__(
        self,
        common: Common,
        transcriber: Transcriber,
        attention: Attention,
        answering: Answering,
        speaking: Speaking,
        end_after: Callable[[float, Utterance], None],
    ) -> None:
        """`end_after` has the endpointer end the pause of an utterance after that many seconds of silence."""
        self._clock, self._emit, self._stages = common.clock, common.emit, common.stages
        self._transcriber = transcriber
        self._attention = attention
        self._answering = answering
        self._speaking = speaking
        self._floor = floor = Floor(common, speaking)
        self._habits = habits = PauseHabits(common.config.vad)
        self.announcer = announcer = Announcer(floor, attention, common.clock, answering.announcement)
        """What is said unasked."""
        overlaps = announcer.overlaps
        self._head_start = HeadStart(
            common, transcriber, attention, answering, speaking, floor, habits, overlaps=overlaps, end_after=end_after
        )
        self._addressee = AddresseeDetector(common, attention, answering, speaking, floor, announcer)
        self._cut_off = CutOff(self._addressee)
        self._group: TaskGroup | None = None
        self._begun = anyio.Event()
        self._window = Window(common, attention, floor, speaking)
        self._button = TalkButton(floor, common.clock, end_after)
        self._long_speech = LongSpeech()
        self.lost = 0
        """Utterances that reached it whole, were not given up, and that no recogniser could be had for."""

    @property
    def attentive(self) -> bool:
        """Whether what is said now needs no wake phrase."""
        return not self._attention.muted and self._attention.attentive(self._clock.monotonic_s())

    async def run(self, events: AsyncGenerator[SpeechEvent | SpeechContinued, None]) -> None:
        """Converse until the speech events end and everything heard has been answered. Closes them."""
        send, receive = anyio.create_memory_object_stream[Utterance](_WAITING_UTTERANCES)
        try:
            async with anyio.create_task_group() as self._group:
                self._group.start_soon(self._take_utterances, receive)
                self._group.start_soon(self._transcriber.watch)
                self._begun.set()
                async with send, aclosing(events):
                    async for event in events:
                        if not isinstance(event, SpeechContinued):
                            self._emit(event)
                        self._hear(event, self._group)
                        if isinstance(event, SpeechEnded):
                            await send.send(event.utterance)
                await self.idle()
                self._group.cancel_scope.cancel()
        finally:
            self._group = None

    def mute(self) -> None:
        """Attend to nobody until `unmute`."""
        self.announcer.react()
        self._cut_off.forget()
        self._window.mute()

    def unmute(self) -> None:
        """Attend to people again."""
        self._window.unmute()

    async def idle(self) -> None:
        """Return when nobody speaks and nothing is left to answer."""
        await self._floor.idle()

    async def listen_now(self) -> None:
        """Listen to what is said next, without a wake phrase; whatever is being said is broken off, and what had been
        said before is not answered any more. Raises `ControlError` when the conversation has ended."""
        await self._begun.wait()
        self.announcer.react()
        self._button.press()
        self._cut_off.forget()
        self._floor.interrupt("called")
        await self._invite()

    def _hear(self, event: SpeechEvent | SpeechContinued, group: TaskGroup) -> None:
        self._habits.note(event)
        self._button.note(event)
        match event:
            case SpeechStarted() if not self._floor.person_speaks:
                self._floor.person_began(event.at_s)
            case SpeechPaused() if self._worth_recognizing(event.utterance):
                self._head_start.paused(event.utterance)
                group.start_soon(self._head_start.work)
            case SpeechContinued() if self._may_be_meant(event.utterance):
                group.start_soon(self._head_start.hand_on, event.utterance)
            case SpeechResumed():
                self._head_start.void()
            case SpeechEnded(utterance=Utterance(goes_on=True)):
                self._head_start.commit()
                self._floor.person_goes_on(event.at_s)
            case SpeechEnded():
                self._head_start.commit()
                self._floor.person_ended()
            case SpeechDiscarded():
                self._head_start.void()
                self._floor.person_gave_up()

    def _worth_recognizing(self, utterance: Utterance) -> bool:
        # What is said over a reply, or before its first word, may be "stop", which needs no wake phrase; nor does
        # "okay" while something rings.
        may_stop = self.announcer.overlaps(utterance) and not self._button.gives_up(utterance)
        return may_stop or self._may_be_meant(utterance)

    def _may_be_meant(self, utterance: Utterance) -> bool:
        may_be = self._attention.may_be_meant(utterance) or self._long_speech.goes_on_with(utterance)
        return may_be and not self._button.gives_up(utterance)

    async def _take_utterances(self, utterances: MemoryObjectReceiveStream[Utterance]) -> None:
        async with utterances:
            async for utterance in utterances:
                try:
                    await self._take(utterance)
                finally:
                    self._floor.dealt_with()

    async def _take(self, utterance: Utterance) -> None:
        assert self._group is not None
        if not self._worth_recognizing(utterance):
            return
        try:
            over_reply = self.announcer.overlaps(utterance)
            timed = await self._transcriber.recognize(utterance, waits=True, over_reply=over_reply)
        except AssistantError as error:
            if not self._button.gives_up(utterance):  # nobody misses that
                self.lost += 1
                self._stages.failed(RECOGNIZER, error)
            return
        self._stages.works(RECOGNIZER)
        whole = self._long_speech.join(utterance, timed)
        if whole is None:
            return
        utterance, timed, is_rest = whole
        timed, paused_s = await self._with_beginning(timed, utterance)
        recognition = timed.recognition
        admission = await self._addressee.admit(
            recognition, utterance, is_rest=is_rest, may_insist=not self._cut_off.pending
        )
        has_heard_ring = await self._addressee.has_heard_ring(admission, recognition.language)
        makes_sense = await self._addressee.makes_sense(admission, recognition.language)
        if self._button.gives_up(utterance):
            return
        if self.announcer.acknowledged_by(admission.command if admission else recognition.text):
            return
        if admission is None:
            return
        if has_heard_ring:
            self.announcer.react()
        self._habits.learn(utterance, paused_s)
        if makes_sense:
            self._cut_off.forget()
        else:
            self._cut_off.note(admission.command, utterance)
        now_s = self._clock.monotonic_s()
        if admission.match is not None:
            self._emit(WakeWordDetected(now_s, admission.match.phrase, admission.match.score))
        if not admission.command and self._attention.called_again(utterance) and self._floor.current is None:
            return  # whoever calls again over a reply, or a ring, means that
        reason = "speech" if self._speaking.overlaps(utterance) else "newer request"
        if admission.command:
            turn = await self._floor.take_over(reason)
            self._attention.hold(by_phrase=admission.match is not None)
            self._group.start_soon(self._run_turn, turn, admission, timed, utterance)
        else:
            self._floor.interrupt(reason)
            await self._invite()

    async def _with_beginning(self, timed: Timed, utterance: Utterance) -> tuple[Timed, float | None]:
        """With what it goes on with, if that was cut off, and how long its speaker paused there. Whoever calls begins
        anew."""
        admission = self._attention.admit(timed.recognition.text, utterance.started_at_s)
        if admission is not None and admission.match is not None:
            return timed, None
        recognition, paused_s = await self._cut_off.join(timed.recognition, utterance)
        return replace(timed, recognition=recognition), paused_s

    async def _run_turn(self, turn: Turn, admission: Admission, timed: Timed, utterance: Utterance) -> None:
        recognition, turn_id, now_s = timed.recognition, turn.turn_id, self._clock.monotonic_s()
        transcript = Transcript(
            now_s, turn_id, admission.command, recognition.language, recognition.confidence, is_final=True
        )
        # A recogniser that is still busy with what was said before is waited for.
        recognizes_from_s = min(timed.started_at_s, utterance.at_s)
        for event in (
            TurnStarted(now_s, turn_id, utterance.ended_at_s),
            StageTimed(utterance.at_s, turn_id, ENDPOINT, utterance.ended_at_s, 0.0),
            StageTimed(timed.finished_at_s, turn_id, RECOGNIZE, recognizes_from_s, timed.compute_s),
            transcript,
        ):
            self._emit(event)
        reply = self._answering.answer(transcript, utterance)
        reply.when_unknown = lambda: self._attention.doubt(utterance)
        await self._floor.speak(turn, reply)
        if turn.superseded:
            return
        await self._window.show(self._attention.end() if reply.ends_conversation else self._attention.release())

    async def _invite(self) -> None:
        """Listen, and say so without words. Whoever goes on already needs no sound to talk over. Raises `ControlError`
        when the conversation has ended."""
        if self._attention.muted:  # since they called
            return
        self._while_it_lasts()
        until_s = self._attention.open()  # before anything else: a speaker that hangs takes its time
        await self._floor.vacant()
        if not self._button.person_asks:
            await self._speaking.play(earcons.listening(self._clock.monotonic_s(), self._floor.last_turn_id))
        group = self._while_it_lasts()
        if self._attention.until_s == until_s:  # nothing was asked meanwhile: they have as long from the sound on
            group.start_soon(self._window.show, self._attention.open())

    def _while_it_lasts(self) -> TaskGroup:
        """What runs beside the conversation. Raises `ControlError` when that has ended."""
        if self._group is None:
            raise ControlError("The conversation has ended: nobody listens.", remedy="Start the assistant again.")
        return self._group
