"""Addressee detection: whether what was said is for the assistant, and what of it.

What nobody says over is for it with the wake phrase or in the follow-up window. Over a reply, or a ring, it depends on
what is said: "stop" always is, also where it is not understood and said again; a nod, the reply's own echo and other
people's talk never are.
"""

from __future__ import annotations

from typing import Protocol

from assistant.common import Common
from assistant.conversation.announcing import Announcer
from assistant.conversation.floor import Floor
from assistant.conversation.insistence import Insistence
from assistant.conversation.speaking import Speaking
from assistant.dialogue.small_words import (
    is_backchannel,
    is_courtesy,
    is_hum,
    says_not_to_stop,
    unclear_stop,
    wants_more,
)
from assistant.errors import AssistantError
from assistant.events import Utterance
from assistant.han import contains_han
from assistant.ports import Recognition
from assistant.stages import INTERPRETER
from assistant.wake.attention import Admission, Attention


class Understanding(Protocol):
    """What can be understood: `assistant.conversation.answering.Answering`, or a double."""

    @property
    def converses(self) -> bool:
        """Whether there is an answer to whatever is said, and not to requests alone."""

    async def intent(self, text: str, language: str) -> str | None:
        """The name of the request that `text` is, None when it is none that can be fulfilled. Raises `StageError`."""


class AddresseeDetector:
    """Tells what is said to the assistant from what is said to others, by others, or by itself."""

    def __init__(
        self,
        common: Common,
        attention: Attention,
        understanding: Understanding,
        speaking: Speaking,
        floor: Floor,
        announcer: Announcer,
    ) -> None:
        self._attention = attention
        self._understanding = understanding
        self._speaking = speaking
        self._floor = floor
        self._announcer = announcer
        self._insistence = Insistence()
        self._stages = common.stages
        self._barge_in = common.config.tts.barge_in
        # Without barge-in, what is heard over a reply or just after may well be the reply itself.
        self._may_hear_itself = common.config.audio.echo_guard or not self._barge_in

    @property
    def converses(self) -> bool:
        """Whether there is an answer to whatever is said, and not to requests alone."""
        return self._understanding.converses

    async def admit(
        self, recognition: Recognition, utterance: Utterance, *, is_rest: bool, may_insist: bool
    ) -> Admission | None:
        """What the utterance asks, None if it is not for the assistant. One that `is_rest` only goes on with what is
        being answered, unless it calls the assistant or has it stop. Short words that nobody understands over a reply
        stop it if they `may_insist`."""
        text, language = recognition.text, recognition.language
        admission = self._attention.admit(text, utterance.started_at_s)
        if admission is not None and admission.match is not None:
            if wants_more(admission.command) and self._speaking.overlaps(utterance):
                return None
            return Admission("", admission.match) if self._attention.only_calls(admission.command) else admission
        intent: str | None = None
        if self._announcer.overlaps(utterance):
            intent = await self.intent(text, language)
            # Whoever cancels a timer while one rings has it fall silent.
            if intent == "stop" or (intent == "timer_cancel" and self._announcer.ringing):
                return Admission(text, None)
        if self._may_hear_itself and self._speaking.may_have_said(text, utterance, asks=intent is not None):
            return None
        converses = self.converses
        if intent is None and self._announcer.overlaps(utterance):
            # In the pauses of a ring, when nothing sounds, only a stop alone is one.
            stop = unclear_stop(recognition, alone=converses or not self._floor.overlaps(utterance))
            if stop is not None:
                return Admission(stop, None)
        if is_rest:
            return None
        if self._speaking.overlaps(utterance):
            # It goes on anyway; and what nobody understands was other people talking, or a television.
            if not self._barge_in or intent == "continue" or is_backchannel(text):
                return None
            if intent is not None or converses:
                return admission
            return self._insisted(text, utterance) if may_insist else None
        return admission if admission is not None and await self._asks(text, language) else None

    async def has_heard_ring(self, admission: Admission | None, language: str) -> bool:
        """Whether something rings and what was said shows that somebody heard it: it was certainly said to the
        assistant. A language model answers whatever is said in the window, which may be a television's."""
        if admission is None or not self._announcer.ringing:
            return False
        return admission.match is not None or await self.intent(admission.command, language) is not None

    async def makes_sense(self, admission: Admission | None, language: str) -> bool:
        """Whether there is an answer to it, or nothing to answer."""
        if admission is None or not admission.command or self.converses:
            return True
        return await self.intent(admission.command, language) is not None

    async def intent(self, text: str, language: str) -> str | None:
        """The name of the request that `text` is; None when it is none, and while that cannot be found out."""
        try:
            intent = await self._understanding.intent(text, language)
        except AssistantError as error:
            self._stages.failed(INTERPRETER, error)
            return None
        self._stages.works(INTERPRETER)
        return intent

    def _insisted(self, text: str, utterance: Utterance) -> Admission | None:
        """A stop, if nobody understood what was just said over the reply either. A ring ends for no such thing."""
        turn = self._floor.current
        if turn is None or turn.insists or is_courtesy(text) or not self._insistence.again(turn.turn_id, utterance):
            return None
        return Admission("停" if contains_han(text) else "Stop", None)

    async def _asks(self, text: str, language: str) -> bool:
        """Whether what was said while no reply was heard asks for something: a hum does not, nor does "okay" unless a
        language model may have asked for it, nor an afterthought ("please", "go on"), which does not take the place
        of the request before it."""
        current = self._floor.current
        comes = current is not None and not current.insists
        if comes and (is_courtesy(text) or await self.intent(text, language) == "continue"):
            return False
        converses = self.converses
        if current is None:
            # Who says not to stop where nothing sounds, perhaps meant something else, and hears that it was not done.
            adds_nothing = is_hum(text) if converses else is_backchannel(text) and not says_not_to_stop(text)
        else:
            adds_nothing = is_backchannel(text) or is_courtesy(text)
        # What nobody understands neither interrupts a ring nor says that it was heard: it may be a television.
        anything = converses or (current is None and not self._announcer.ringing)
        return (anything and not adds_nothing) or await self.intent(text, language) is not None
