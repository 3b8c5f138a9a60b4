"""From a transcript to sentences with a style: what was felt, what was meant, what to say and how to say it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from assistant.common import Common
from assistant.conversation.reply import Reply, Sentence
from assistant.dialogue.answer import Answer
from assistant.dialogue.completeness import is_unfinished
from assistant.dialogue.replies import phrase
from assistant.dialogue.respond import Responder
from assistant.dialogue.small_words import is_backchannel
from assistant.dialogue.style import speaking_style
from assistant.emotion.monitor import EmotionMonitor
from assistant.errors import AssistantError, StageError
from assistant.events import EmotionState, Event, PlaybackFinished, ReplyChunk, StageTimed, Transcript, Utterance
from assistant.han import spoken_language
from assistant.ports import SpeakingStyle
from assistant.skills import Controls, Senses, SkillContext
from assistant.stages import ANSWER, CAPTIONER, EMOTION, FIRST_TOKEN, INTERPRETER, UNDERSTAND


class Answering:
    """Finds the reply to a transcript."""

    def __init__(
        self,
        common: Common,
        responder: Responder,
        emotions: EmotionMonitor,
        senses: Senses,
        controls: Controls,
        *,
        state: Path | None,
    ) -> None:
        """`state` is the folder for what skills keep across restarts; None keeps nothing."""
        self._config, self._clock = common.config, common.clock
        self._emit, self._stages = common.emit, common.stages
        self._responder = responder
        self._emotions = emotions
        self._senses = senses
        self._controls = controls
        self._state = state

    @property
    def converses(self) -> bool:
        """Whether a language model answers what is no request."""
        return self._responder.converses

    async def resume(self) -> None:
        """Have the skills take up what they did when the assistant ended, such as timers."""
        async for failure in self._responder.resume(self._context(0)):
            self._stages.tell(failure)

    def answer(self, transcript: Transcript, utterance: Utterance) -> Reply:
        """The reply to what was just said; nothing happens before its sentences are asked for."""
        reply = Reply(_none())
        reply.sentences = self._sentences(transcript, utterance, reply)
        return reply

    async def intent(self, text: str, language: str) -> str | None:
        """The name of the request that `text` is, None when no skill answers it. Raises `StageError`."""
        return await self._responder.intent(text, language)

    async def end_silence_s(self, text: str, language: str, *, over_reply: bool) -> float:
        """How long someone who said `text` must be silent to have finished; `over_reply` if a turn of the
        assistant's was going on meanwhile, so that it may have been no more than a nod. Raises `StageError`."""
        vad = self._config.vad
        if over_reply and is_backchannel(text):
            return vad.end_silence_complete_s
        if is_unfinished(text):
            return vad.end_silence_unfinished_s
        if await self.intent(text, language) is not None:
            return vad.end_silence_complete_s
        begins = await self._responder.begins(text, language)
        return vad.end_silence_unfinished_s if begins else vad.end_silence_s

    async def expected(self, text: str, language: str, turn_id: int) -> Sentence | None:
        """The first sentence of the answer to `text`, where finding it out has no effect, else None. Raises
        `StageError`."""
        context = self._context(turn_id)
        first = await self._responder.expected(text, language, context)
        if first is None:
            return None
        style = speaking_style(self._emotions.state(self._clock.monotonic_s()), self._config)
        return Sentence(first.text, first.language, style)

    def announcement(self, turn_id: int, text: str, language: str) -> Reply:
        """A reply to nothing: a timer that rings."""
        return Reply(self._announced(turn_id, text, language))

    def on_event(self, event: Event) -> None:
        """What was heard is what is remembered as said; what was broken off is repeated in whole sentences."""
        if isinstance(event, PlaybackFinished):
            self._responder.memory.played(event.turn_id, event.text, begun=event.begun)

    async def _announced(self, turn_id: int, text: str, language: str) -> AsyncGenerator[Sentence, None]:
        yield self._said(turn_id, text, language, SpeakingStyle())

    async def _sentences(
        self, transcript: Transcript, utterance: Utterance, reply: Reply
    ) -> AsyncGenerator[Sentence, None]:
        turn_id = transcript.turn_id
        self._responder.memory.heard(turn_id, transcript.text)
        emotion = await self._feel(transcript, utterance)
        style = speaking_style(emotion, self._config)
        try:
            answer = await self._understand(transcript)
        except StageError as error:
            self._stages.failed(INTERPRETER, error)
            language = spoken_language(transcript.language)
            yield self._said(turn_id, phrase("skill_failed", language), language, style)
            return
        admits_it = False
        try:
            async with aclosing(self._timed(turn_id, answer)) as sentences:
                async for sentence in sentences:
                    if answer.unknown and not (admits_it := admits_it or reply.when_unknown()):
                        break
                    yield self._said(turn_id, sentence, answer.language, style)
            reply.ends_conversation = answer.ends_conversation
        finally:  # Also of a reply that is interrupted.
            for failure in answer.failures:
                self._stages.tell(failure)
            for stage in answer.worked:
                self._stages.works(stage)

    async def _feel(self, transcript: Transcript, utterance: Utterance) -> EmotionState | None:
        """How the person seems to feel, by what they said and how."""
        turn_id, started_at_s, started = transcript.turn_id, self._clock.monotonic_s(), time.perf_counter()
        await self._emotions.voice(utterance)
        await self._emotions.text(transcript)
        emotion = self._emotions.state(self._clock.monotonic_s(), turn_id)
        if self._config.emotion.channels:
            compute_s = time.perf_counter() - started
            self._emit(StageTimed(self._clock.monotonic_s(), turn_id, EMOTION, started_at_s, compute_s))
        if emotion is not None:
            self._emit(emotion)
        return emotion

    async def _timed(self, turn_id: int, answer: Answer) -> AsyncGenerator[str, None]:
        """The sentences of `answer`. Until the first one comes there is nothing to synthesise: that is a stage of its
        own, of which a language model's time to its first token is another."""
        started_at_s, started = self._clock.monotonic_s(), time.perf_counter()
        self._show_scene(turn_id, answer.language)
        waits = True
        async with aclosing(answer.sentences) as sentences:
            async for sentence in sentences:
                if waits and answer.first_token is not None:
                    token_at_s, token = answer.first_token
                    self._emit(StageTimed(token_at_s, turn_id, FIRST_TOKEN, started_at_s, token - started))
                    started_at_s, started = token_at_s, token
                if waits:
                    waits, compute_s = False, time.perf_counter() - started
                    self._emit(StageTimed(self._clock.monotonic_s(), turn_id, ANSWER, started_at_s, compute_s))
                yield sentence

    async def _understand(self, transcript: Transcript) -> Answer:
        turn_id, started_at_s = transcript.turn_id, self._clock.monotonic_s()
        context = self._context(turn_id)
        answer = await self._responder.answer(transcript, context)
        self._stages.works(INTERPRETER)
        self._emit(StageTimed(self._clock.monotonic_s(), turn_id, UNDERSTAND, started_at_s, answer.interpretation_s))
        for understood in answer.understood:
            self._emit(understood)
        return answer

    def _context(self, turn_id: int) -> SkillContext:
        return SkillContext(turn_id, self._clock, self._senses, self._controls, self._state)

    def _show_scene(self, turn_id: int, language: str) -> None:
        """What the assistant sees while it answers, for whoever watches."""
        try:
            caption = self._senses.caption(language)
        except Exception as error:  # whatever a captioner raises, the conversation goes on
            told = error if isinstance(error, AssistantError) else StageError(f"The captioner failed: {error!r}.")
            self._stages.failed(CAPTIONER, told)
            return
        if caption is not None:
            self._stages.works(CAPTIONER)
            self._emit(replace(caption, turn_id=turn_id))

    def _said(self, turn_id: int, text: str, language: str, style: SpeakingStyle) -> Sentence:
        self._emit(ReplyChunk(self._clock.monotonic_s(), turn_id, text, language))
        return Sentence(text, language, style)


async def _none() -> AsyncGenerator[Sentence, None]:
    return
    yield
