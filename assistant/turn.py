"""Turns: what is addressed to the assistant is answered, one turn at a time, and the person may interrupt.

speech paused ──► head start: recognise, prepare
speech ended ──► recognise ──► addressed? ──► answer ──► speak ──► follow-up window ──► asleep
                                                ▲          │
                                 a newer turn ──┴─ cancels ┘   speech over the reply holds it; nothing said: goes on
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream

from assistant.asr.revival import LOST_STAGE
from assistant.asr.transcriber import Timed, Transcriber
from assistant.audio import earcons
from assistant.config import Config
from assistant.conversation.announcing import Announcer
from assistant.conversation.answering import Reply
from assistant.conversation.floor import Floor, Turn
from assistant.conversation.head_start import Foresight, HeadStart
from assistant.conversation.long_speech import LongSpeech
from assistant.conversation.speaking import Speaking
from assistant.conversation.talk_button import TalkButton
from assistant.conversation.window import Window
from assistant.dialogue.overlap import (
    acknowledges,
    is_backchannel,
    is_courtesy,
    is_hum,
    says_not_to_stop,
    unclear_stop,
    wants_more,
)
from assistant.errors import AssistantError
from assistant.events import (
    Event,
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

    @property
    def converses(self) -> bool:
        """Whether there is an answer to whatever is said, and not to requests alone."""

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
        stages: StageReports,
    ) -> None:
        """`end_after` has the endpointer end the pause of an utterance after that many seconds of silence; `stages`
        knows what failed before."""
        self._transcriber = transcriber
        self._attention = attention
        self._answering = answering
        self._speaking = speaking
        self._clock = clock
        self._emit = emit
        self._barge_in = config.tts.barge_in
        # Without barge-in, what is heard over a reply or just after may well be the reply itself.
        self._may_hear_itself = config.audio.echo_guard or not config.tts.barge_in
        self._stages = stages
        self._floor = floor = Floor(speaking, clock, emit, barge_in=config.tts.barge_in)
        self._habits = habits = PauseHabits(config.vad)
        self._announcer = announcer = Announcer(floor, attention, clock, answering.announcement)
        self._head_start = HeadStart(
            transcriber, attention, answering, speaking, floor, announcer.overlaps, clock, emit, end_after, habits
        )
        self._group: TaskGroup | None = None
        self._begun = anyio.Event()
        self._window = Window(attention, floor, speaking, clock, emit, config)
        self._button = TalkButton(floor, clock, end_after)
        self._long_speech = LongSpeech()
        self.lost = 0
        """Utterances that reached it whole, were not given up, and that no recogniser could be had for."""
        self.announce, self.ring = self._announcer.announce, self._announcer.ring
        self.idle = floor.idle
        self.unmute = self._window.unmute

    @property
    def attentive(self) -> bool:
        """Whether what is said now needs no wake phrase."""
        return not self._attention.muted and self._attention.attentive(self._clock.monotonic_s())

    async def run(self, events: AsyncIterator[SpeechEvent | SpeechContinued]) -> None:
        """Converse until the speech events end and everything heard has been answered."""
        send, receive = anyio.create_memory_object_stream[Utterance](_WAITING_UTTERANCES)
        async with anyio.create_task_group() as self._group:
            self._group.start_soon(self._take_utterances, receive)
            self._group.start_soon(self._transcriber.watch)
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

    def mute(self) -> None:
        """Attend to nobody until `unmute`."""
        self._announcer.react()
        self._window.mute()

    async def listen_now(self) -> None:
        """Listen to what is said next, without a wake phrase; whatever is being said is broken off, and what had been
        said before is not answered any more."""
        await self._begun.wait()
        assert self._group is not None
        self._announcer.react()
        self._button.press()
        self._floor.interrupt("called")
        await self._invite(self._group)

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
        may_stop = self._announcer.overlaps(utterance) and not self._button.gives_up(utterance)
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
            over_reply = self._announcer.overlaps(utterance)
            timed = await self._transcriber.recognize(utterance, waits=True, over_reply=over_reply)
        except AssistantError as error:
            if not self._button.gives_up(utterance):  # nobody misses that
                self.lost += 1
                self._stages.failed(LOST_STAGE, error)
            return
        self._stages.works(LOST_STAGE)
        whole = self._long_speech.join(utterance, timed)
        if whole is None:
            return
        utterance, timed = whole
        admission = await self._admit(timed.recognition, utterance)
        if self._button.gives_up(utterance):
            return
        if self._announcer.ringing and acknowledges(admission.command if admission else timed.recognition.text):
            self._announcer.acknowledge()
            return
        if admission is None:
            return
        self._announcer.react()
        self._habits.learn(utterance)
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
            await self._invite(self._group)

    async def _admit(self, recognition: Recognition, utterance: Utterance) -> Admission | None:
        """What the utterance asks, None if it is not for the assistant."""
        text, language = recognition.text, recognition.language
        admission = self._attention.admit(text, utterance.started_at_s)
        if admission is not None and admission.match is not None:
            if wants_more(admission.command) and self._speaking.overlaps(utterance):
                return None
            return Admission("", admission.match) if self._attention.only_calls(admission.command) else admission
        intent: str | None = None
        if self._announcer.overlaps(utterance):
            intent = await self._intent(text, language)
            # Whoever cancels a timer while one rings has it fall silent.
            if intent == "stop" or (intent == "timer_cancel" and self._announcer.ringing):
                return Admission(text, None)
        if self._may_hear_itself and self._speaking.may_have_said(text, utterance, asks=intent is not None):
            return None
        converses = self._answering.converses
        if intent is None and self._announcer.overlaps(utterance):
            # In the pauses of a ring, when nothing sounds, only a stop alone is one.
            stop = unclear_stop(recognition, alone=converses or not self._floor.overlaps(utterance))
            if stop is not None:
                return Admission(stop, None)
        if self._speaking.overlaps(utterance):
            # It goes on anyway; and what nobody understands was other people talking, or a television.
            asks = intent != "continue" and (intent is not None or converses)
            return admission if self._barge_in and asks and not is_backchannel(text) else None
        return admission if admission is not None and await self._asks(text, language) else None

    async def _asks(self, text: str, language: str) -> bool:
        """Whether what was said while no reply was heard asks for something: a hum does not, nor does "okay" unless a
        language model may have asked for it, nor an afterthought ("please", "go on"), which does not take the place
        of the request before it."""
        current = self._floor.current
        comes = current is not None and not current.insists
        if comes and (is_courtesy(text) or await self._intent(text, language) == "continue"):
            return False
        converses = self._answering.converses
        if current is None:
            # Who says not to stop where nothing sounds, perhaps meant something else, and hears that it was not done.
            adds_nothing = is_hum(text) if converses else is_backchannel(text) and not says_not_to_stop(text)
        else:
            adds_nothing = is_backchannel(text) or is_courtesy(text)
        # What nobody understands neither interrupts a ring nor says that it was heard: it may be a television.
        anything = converses or (current is None and not self._announcer.ringing)
        return (anything and not adds_nothing) or await self._intent(text, language) is not None

    async def _intent(self, text: str, language: str) -> str | None:
        """The name of the request that `text` is; None when it is none, and while that cannot be found out."""
        try:
            intent = await self._answering.intent(text, language)
        except AssistantError as error:
            self._stages.failed("interpreter", error)
            return None
        self._stages.works("interpreter")
        return intent

    async def _run_turn(self, turn: Turn, admission: Admission, timed: Timed, utterance: Utterance) -> None:
        recognition, turn_id, now_s = timed.recognition, turn.turn_id, self._clock.monotonic_s()
        transcript = Transcript(
            now_s, turn_id, admission.command, recognition.language, recognition.confidence, is_final=True
        )
        # A recogniser that is still busy with what was said before is waited for.
        recognizes_from_s = min(timed.started_at_s, utterance.at_s)
        for event in (
            TurnStarted(now_s, turn_id, utterance.ended_at_s),
            StageTimed(utterance.at_s, turn_id, "endpoint", utterance.ended_at_s, 0.0),
            StageTimed(timed.finished_at_s, turn_id, "recognize", recognizes_from_s, timed.compute_s),
            transcript,
        ):
            self._emit(event)
        reply = self._answering.answer(transcript, utterance)
        reply.when_unknown = lambda: self._attention.doubt(utterance)
        await self._floor.speak(turn, reply)
        if turn.superseded:
            return
        await self._window.show(self._attention.end() if reply.ends_conversation else self._attention.release())

    async def _invite(self, group: TaskGroup) -> None:
        """Listen, and say so without words. Whoever goes on already needs no sound to talk over."""
        if self._attention.muted:  # since they called
            return
        until_s = self._attention.open()  # before anything else: a speaker that hangs takes its time
        await self._floor.vacant()
        if not self._button.person_asks:
            await self._speaking.play(earcons.listening(self._clock.monotonic_s(), self._floor.last_turn_id))
        if self._attention.until_s == until_s:  # nothing was asked meanwhile: they have as long from the sound on
            group.start_soon(self._window.show, self._attention.open())
