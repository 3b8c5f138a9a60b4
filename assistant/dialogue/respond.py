"""From a transcript to the sentences of the answer, each as early as it is known."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.dialogue import DIALOGUE_MODELS, INTERPRETERS
from assistant.dialogue.answer import Answer, FirstSentence
from assistant.dialogue.feeling import told_feeling
from assistant.dialogue.memory import ConversationMemory
from assistant.dialogue.questions import OpenQuestion
from assistant.dialogue.replies import failure, phrase
from assistant.dialogue.sentences import SentenceSplitter, split_sentences
from assistant.dialogue.style import Wording
from assistant.errors import AnsweredError, AssistantError, ConfigError
from assistant.events import IntentRecognized, StageFailed, Transcript
from assistant.han import spoken_language
from assistant.ports import DialogueModel, DialogueTurn, Intent, Interpreter, Skill
from assistant.registry import resolve
from assistant.skills import SKILLS, Reply, SkillContext
from assistant.skills.sight import cannot_see, too_dark
from assistant.stages import EMOTION, KEPT, LANGUAGE_MODEL, SKILL
from assistant.worker import Worker

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.models.store import ModelStore

_LOG = logging.getLogger(__name__)
_INTERPRETATION_TIMEOUT_S = 10.0


class Responder:
    """Interpreter, skills and, if there is one, a dialogue model for everything else."""

    def __init__(
        self,
        interpreter: Interpreter,
        skills: Mapping[str, Skill],
        dialogue_model: DialogueModel | None,
        config: Config,
        memory: ConversationMemory | None = None,
    ) -> None:
        """`skills` is name → skill. Raises `ConfigError` if two of them answer the same intent."""
        self._interpreter = interpreter
        self._worker = Worker("interpreter", timeout_s=_INTERPRETATION_TIMEOUT_S)
        self._skills: dict[str, Skill] = {}
        self._by_name = dict(skills)
        for name, skill in skills.items():
            for intent in skill.intents:
                if intent in self._skills:
                    raise ConfigError(
                        f"The skill '{name}' answers '{intent}', which another skill answers already.",
                        remedy="Remove the intent from one of them.",
                    )
                self._skills[intent] = skill
        self._dialogue_model = dialogue_model
        self._config = config
        self._wording = Wording(config)
        self._open_question = OpenQuestion()
        self._interpreted: tuple[object, Intent | None] | None = None
        self.memory = memory or ConversationMemory()

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Responder:
        """With every registered skill, and the language model if an address for one is configured."""
        model: DialogueModel | None = None
        if config.dialogue.language_model.url:
            model = resolve(DIALOGUE_MODELS, "openai", kind="language model").create(config, models)
        return cls(
            resolve(INTERPRETERS, "hassil", kind="interpreter").create(config, models),
            {name: resolve(SKILLS, name, kind="skill").create(config, models) for name in SKILLS},
            model,
            config,
        )

    @property
    def converses(self) -> bool:
        """Whether a language model answers what no skill does."""
        return self._dialogue_model is not None

    async def intent(self, text: str, language: str) -> str | None:
        """The name of the request that `text` is, None when no skill answers it. Does nothing about it."""
        intent = await self._interpret(text, language)
        return intent.name if intent is not None else None

    async def begins(self, text: str, language: str) -> bool:
        """Whether `text`, which is no request, is how one begins."""
        return await self._worker.run(self._interpreter.begins, text, language)

    async def expected(self, text: str, language: str, context: SkillContext) -> FirstSentence | None:
        """How the answer to `text` begins, where finding it out has no effect; None where it has, or is not known."""
        intent = await self._interpret(text, language)
        if intent is None or intent.name not in getattr(self._skills[intent.name], "answers_ahead", ()):
            return None
        language = self._reply_language(intent.language)
        try:
            reply: Reply = await self._skills[intent.name].handle(replace(intent, language=language), context)
            emotion = context.senses.emotion()
            text = self._wording.preview(reply.text, intent.name, emotion, language, context.turn_id)
        except Exception:  # The answer proper will fail too, and say so.
            return None
        return next((FirstSentence(sentence, language) for sentence in split_sentences(text)), None)

    async def answer(self, transcript: Transcript, context: SkillContext) -> Answer:
        """Understand `transcript` and begin the answer. Raises `StageError` only if the interpreter hangs.

        `Answering` records `memory.heard` and `memory.played`; what was generated but not played was not said.
        """
        started_s = time.perf_counter()
        intent = await self._interpret(transcript.text, transcript.language)
        interpretation_s = time.perf_counter() - started_s
        self._open_question.close()
        requests = [each for each in (intent, *intent.then) if self._is_for_skill(each)] if intent else []
        at_s, turn_id = context.clock.monotonic_s(), context.turn_id
        understood = [IntentRecognized(at_s, turn_id, each.name, dict(each.slots)) for each in requests]
        answer = Answer(
            understood=understood or [IntentRecognized(at_s, turn_id, None)],
            language=self._reply_language(intent.language if intent else transcript.language),
            interpretation_s=interpretation_s,
            sentences=_nothing(),
        )
        if requests:
            answer.sentences = self._by_skills(requests, context, answer)
        elif self._dialogue_model is not None:
            answer.stage = LANGUAGE_MODEL
            answer.sentences = self._from_model(self._dialogue_model, transcript, context, answer)
        else:
            answer.stage = EMOTION
            answer.sentences = self._from_nobody(context, answer)
        return answer

    async def resume(self, context: SkillContext) -> AsyncGenerator[StageFailed, None]:
        """Have the skills take up what they did when the assistant ended; what cannot be taken up is told."""
        for name, skill in self._by_name.items():
            resume = getattr(skill, "resume", None)
            try:
                if resume is not None:
                    await resume(context)
            except AssistantError as error:
                yield StageFailed(context.clock.monotonic_s(), f"{KEPT} {name}", error.message, error.remedy or "")

    def close(self) -> None:
        """End the interpreter's thread."""
        self._worker.close()

    async def _interpret(self, text: str, language: str) -> Intent | None:
        """The request that `text` is, perhaps as the answer to a question; None when no skill answers it. What was
        interpreted ahead of the turn is not interpreted again. Raises `StageError`."""
        asked = (text, language, self._open_question.asked)
        if self._interpreted is None or self._interpreted[0] != asked:
            intent = await self._worker.run(self._open_question.interpret, self._interpreter, text, language)
            self._interpreted = asked, intent if intent is not None and intent.name in self._skills else None
        return self._interpreted[1]

    def _is_for_skill(self, intent: Intent) -> bool:
        """Whether a skill answers it. A language model knows better how to go on with what it said itself."""
        models_own = intent.name == "continue" and self.converses and not self.memory.unsaid()
        return intent.name in self._skills and not models_own

    def _reply_language(self, spoken: str) -> str:
        wanted = self._config.dialogue.reply_language
        if wanted != "same":
            return wanted
        return spoken_language(spoken)

    async def _by_skills(self, asked: list[Intent], context: SkillContext, answer: Answer) -> AsyncGenerator[str, None]:
        """All of it is done before the first word: whoever interrupts the reply does not take back what they asked for.
        A question comes last, so that the next thing said answers it; of two, the first is asked."""
        replies = [(await self._by_skill(intent, context, answer), answer.language) for intent in asked]
        plain = [each for each in replies if each[0].asks is None]
        told = plain + [each for each in replies if each[0].asks is not None][:1]
        self.memory.intends(
            context.turn_id, [sentence for reply, _ in told for sentence in split_sentences(reply.text)]
        )
        for reply, answer.language in told:
            for sentence in split_sentences(reply.text):
                yield sentence

    async def _by_skill(self, intent: Intent, context: SkillContext, answer: Answer) -> Reply:
        """The reply as it is worded; `answer.language` is its language then."""
        answer.stage, answer.language = f"{SKILL} {intent.name}", self._reply_language(intent.language)
        try:
            request = replace(intent, language=answer.language)
            reply: Reply = await self._skills[intent.name].handle(request, context)
            emotion = context.senses.emotion()
            answer.language = reply.language or answer.language
            text = self._wording.apply(reply.text, intent.name, emotion, answer.language, context.turn_id)
        except Exception as error:  # Whatever a skill does wrong, the conversation goes on.
            self._note_failure(error, context, answer)
            return Reply(failure(intent.name, answer.language))
        answer.worked.append(answer.stage)
        answer.ends_conversation |= reply.ends_conversation
        if reply.asks is not None and self._open_question.asked is None:
            self._open_question.ask(reply.asks, request)
        return replace(reply, text=text)

    async def _from_nobody(self, context: SkillContext, answer: Answer) -> AsyncGenerator[str, None]:
        """What is said to someone who asked for nothing that anyone can do."""
        told = None
        try:
            told = told_feeling(context.senses.emotion())
        except Exception as error:  # Whatever the emotions do wrong, the conversation goes on.
            self._note_failure(error, context, answer)
        else:
            answer.worked.append(answer.stage)
        answer.unknown = told is None
        for sentence in split_sentences(phrase(told or "unknown", answer.language, context.turn_id)):
            yield sentence

    async def _from_model(
        self, model: DialogueModel, transcript: Transcript, context: SkillContext, answer: Answer
    ) -> AsyncGenerator[str, None]:
        splitter = SentenceSplitter()
        self.memory.improvises()
        try:
            turn = self._dialogue_turn(transcript, context, answer.language)
            async with aclosing(model.reply(turn)) as pieces:
                async for piece in pieces:
                    answer.first_token = answer.first_token or (context.clock.monotonic_s(), time.perf_counter())
                    for sentence in splitter.feed(piece):
                        yield sentence
        except AnsweredError as error:
            self._note_failure(error, context, answer)
        except Exception as error:  # Whatever the model, a caption or the emotions do wrong, the conversation goes on.
            self._note_failure(error, context, answer)
            yield phrase("model_failed", answer.language)
            return
        else:
            answer.worked.append(answer.stage)
        for sentence in splitter.flush():
            yield sentence

    def _dialogue_turn(self, transcript: Transcript, context: SkillContext, language: str) -> DialogueTurn:
        # Told to a model, it would colour the reply.
        emotion = context.senses.emotion() if self._config.emotion.affects_reply else None
        return DialogueTurn(
            text=transcript.text,
            language=language,
            history=self.memory.history(before=context.turn_id),
            scene=self._scene(context, language),
            emotion=emotion.label or "" if emotion else "",
        )

    def _scene(self, context: SkillContext, language: str) -> str:
        """The caption of what the camera sees, empty when it does not see, or last saw something long ago: a language
        model takes whatever it is told for what is there now."""
        if cannot_see(context.senses, language):
            return ""
        scene = context.senses.scene()
        if scene is None or context.clock.monotonic_s() - scene.at_s > self._config.vision.max_age_s:
            return ""
        if too_dark(scene):
            return phrase("scene_too_dark", language)
        caption = context.senses.caption(language)
        return caption.text if caption else ""

    def _note_failure(self, error: Exception, context: SkillContext, answer: Answer) -> None:
        stage = answer.stage
        _LOG.warning("The %s failed.", stage, exc_info=error)
        told = error.message if isinstance(error, AssistantError) else repr(error)
        remedy = (error.remedy if isinstance(error, AssistantError) else None) or ""
        answer.failures.append(StageFailed(at_s=context.clock.monotonic_s(), stage=stage, error=told, remedy=remedy))


async def _nothing() -> AsyncGenerator[str, None]:
    return
    yield
