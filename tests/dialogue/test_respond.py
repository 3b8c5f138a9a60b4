"""From a transcript to sentences: skills first, then the language model, then an honest no."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

import anyio
import pytest

from assistant.config import Config, DialogueConfig, EmotionConfig
from assistant.dialogue.answer import Answer
from assistant.dialogue.respond import Responder
from assistant.errors import AnsweredError, ConfigError, StageError
from assistant.events import EmotionLabel, EmotionState, SceneCaption, SceneState, Transcript
from assistant.ports import DialogueModel, DialogueTurn, Intent
from assistant.skills import Reply, SkillContext
from tests.doubles.clock import ManualClock
from tests.doubles.context import GivenSenses, feeling, skill_context


class KnownSentences:
    """An interpreter that knows a few words, and two of them with a plus between."""

    def interpret(self, text: str, language: str) -> Intent | None:
        first, *rest = text.split("+")
        intent = self._intent(first, language)
        return intent and replace(intent, then=tuple(filter(None, (self._intent(word, language) for word in rest))))

    def _intent(self, text: str, language: str) -> Intent | None:
        known = {"look": "scene_describe", "fail": "fails", "bye": "goodbye", "read": "reads", "see": "nobody_answers"}
        return Intent(known[text], {"a": "b"}, language, text) if text in known else None


class TestedSkill:
    """Answers three intents, one in Chinese whoever asks, and fails on a fourth."""

    __test__ = False
    intents = frozenset({"scene_describe", "goodbye", "reads", "fails"})

    async def handle(self, intent: Intent, context: SkillContext) -> Reply:
        if intent.name == "fails":
            raise RuntimeError("the wheel came off")
        if intent.name == "reads":
            return Reply("上面写着：出口。", language="zh")
        if intent.name == "goodbye":
            return Reply("Bye.", ends_conversation=True)
        return Reply("我看到狗。还有猫。" if intent.language == "zh" else "I see a dog. And a cat.")


class Storyteller:
    """A language model that tells a story in small pieces, or breaks off."""

    def __init__(self, pieces: list[str], error: StageError | None = None) -> None:
        self._pieces = pieces
        self._error = error
        self.turns: list[DialogueTurn] = []

    async def reply(self, turn: DialogueTurn) -> AsyncGenerator[str, None]:
        self.turns.append(turn)
        for piece in self._pieces:
            yield piece
        if self._error is not None:
            raise self._error


def _say(
    text: str,
    language: str = "en",
    *,
    model: DialogueModel | None = None,
    config: Config | None = None,
    context: SkillContext | None = None,
) -> tuple[Answer, list[str]]:
    responder = Responder(KnownSentences(), {"tested": TestedSkill()}, model, config or Config())
    responder.memory.heard(0, "earlier")

    async def say() -> tuple[Answer, list[str]]:
        transcript = Transcript(0.0, 1, text, language, 0.9, True)
        answer = await responder.answer(transcript, context or skill_context())
        return answer, [sentence async for sentence in answer.sentences]

    try:
        return anyio.run(say)
    finally:
        responder.close()


def test_a_skill_answers_sentence_by_sentence() -> None:
    answer, sentences = _say("look")
    assert sentences == ["I see a dog.", "And a cat."]
    [understood] = answer.understood
    assert (understood.intent, understood.slots, answer.language) == ("scene_describe", {"a": "b"}, "en")
    assert not answer.ends_conversation
    assert not answer.failures


def test_the_reply_language_follows_the_person_or_the_configuration() -> None:
    assert _say("look", "zh")[1] == ["我看到狗。", "还有猫。"]
    always_chinese = Config(dialogue=DialogueConfig(reply_language="zh"))
    assert _say("look", "en", config=always_chinese)[1] == ["我看到狗。", "还有猫。"]
    assert _say("look", "ko")[0].language == "en"


def test_a_reply_in_another_language_says_so_to_the_voice() -> None:
    answer, sentences = _say("read", "en")
    assert (answer.language, sentences) == ("zh", ["上面写着：出口。"])


def test_goodbye_ends_the_conversation() -> None:
    assert _say("bye")[0].ends_conversation


@pytest.mark.parametrize("text", ["dance", "see"])
@pytest.mark.parametrize(("language", "no"), [("en", "yet"), ("zh", "还")])
def test_what_nobody_can_do_gets_an_honest_no(text: str, language: str, no: str) -> None:
    answer, sentences = _say(text, language)
    assert [understood.intent for understood in answer.understood] == [None]
    assert len(sentences) == 1
    assert no in sentences[0]


@pytest.mark.parametrize(
    ("label", "language", "reply"),
    [("happy", "en", "good to hear"), ("sad", "en", "sounds hard"), ("happy", "zh", "高兴"), ("angry", "zh", "辛苦")],
)
def test_a_feeling_that_was_told_is_answered_as_one(label: EmotionLabel, language: str, reply: str) -> None:
    told = skill_context(GivenSenses(current_emotion=feeling(label, channel="text")))
    assert reply in _say("dance", language, context=told)[1][0]
    seen = skill_context(GivenSenses(current_emotion=feeling(label, channel="face")))
    assert reply not in _say("dance", language, context=seen)[1][0]
    [word] = feeling(label, channel="text").contributions
    before = replace(feeling(label, channel="text"), contributions=(replace(word, age_s=30.0),))
    long_ago = skill_context(GivenSenses(current_emotion=before))
    assert reply not in _say("dance", language, context=long_ago)[1][0]


def test_a_failing_skill_apologises_and_is_reported() -> None:
    answer, sentences = _say("fail")
    assert sentences == ["Sorry, something went wrong while I was doing that."]
    assert [(failure.stage, failure.error) for failure in answer.failures] == [
        ("skill fails", "RuntimeError('the wheel came off')")
    ]


def test_two_requests_are_answered_in_their_order() -> None:
    answer, sentences = _say("read+look")
    assert sentences == ["上面写着：出口。", "I see a dog.", "And a cat."]
    assert [understood.intent for understood in answer.understood] == ["reads", "scene_describe"]
    assert answer.language == "en"
    assert _say("bye+look")[0].ends_conversation


def test_of_two_requests_one_is_done_if_the_other_fails_or_nobody_answers_it() -> None:
    answer, sentences = _say("fail+look")
    assert sentences == ["Sorry, something went wrong while I was doing that.", "I see a dog.", "And a cat."]
    assert [failure.stage for failure in answer.failures] == ["skill fails"]
    assert answer.worked == ["skill scene_describe"]
    answer, sentences = _say("bye+see")
    assert sentences == ["Bye."]
    assert [understood.intent for understood in answer.understood] == ["goodbye"]


def test_the_mood_colours_the_reply() -> None:
    sad = skill_context(GivenSenses(current_emotion=feeling("sad")))
    assert _say("look", context=sad)[1][1:] == ["I see a dog.", "And a cat."]


def test_the_language_model_answers_what_no_skill_does() -> None:
    model = Storyteller(["Once upon", " a time. The", " end"])
    context = skill_context(GivenSenses(current_emotion=feeling("happy")))
    answer, sentences = _say("tell me a story", model=model, context=context)
    assert sentences == ["Once upon a time.", "The end"]
    assert [understood.intent for understood in answer.understood] == [None]
    assert model.turns == [DialogueTurn("tell me a story", "en", [("earlier", "")], "", "happy")]
    assert _say("look", model=model)[1] == ["I see a dog.", "And a cat."]


def test_the_language_model_is_not_told_of_a_mood_that_must_not_colour_replies() -> None:
    model = Storyteller(["The end."])
    context = skill_context(GivenSenses(current_emotion=feeling("happy")))
    config = Config(emotion=EmotionConfig(affects_reply=False))
    _say("tell me a story", model=model, context=context, config=config)
    assert [turn.emotion for turn in model.turns] == [""]


def test_a_failing_language_model_is_said_and_reported() -> None:
    model = Storyteller(["One. Tw"], StageError("Lost.", remedy="Restart it."))
    answer, sentences = _say("tell me a story", model=model)
    assert sentences == ["One.", "Sorry, I can't think of an answer right now."]
    assert [(failure.stage, failure.error, failure.remedy) for failure in answer.failures] == [
        ("language model", "Lost.", "Restart it.")
    ]


def test_what_a_language_model_did_wrong_beside_a_whole_answer_is_reported_alone() -> None:
    model = Storyteller(["One. Tw", "o"], AnsweredError("Thought aloud.", remedy="Turn it off."))
    answer, sentences = _say("tell me a story", model=model)
    assert sentences == ["One.", "Two"]
    assert [(failure.stage, failure.error, failure.remedy) for failure in answer.failures] == [
        ("language model", "Thought aloud.", "Turn it off.")
    ]
    assert not answer.worked


_SEEN = SceneState(0.0, (), ())
_CAPTION = {"en": SceneCaption(0.0, "I see a dog.", "en", 0.9, 0.0)}


@pytest.mark.parametrize(
    ("age_s", "broken", "told"),
    [
        (0.0, {}, "I see a dog."),
        (9.0, {}, "I see a dog."),
        (300.0, {}, ""),
        (0.0, {"camera": "Unplugged."}, ""),
        (0.0, {"vision": "Out of memory."}, ""),
        (0.0, {"sight": "It is too warm."}, ""),
        (0.0, {"face": "No model."}, "I see a dog."),
    ],
)
def test_the_language_model_is_told_only_what_is_there_now(age_s: float, broken: dict[str, str], told: str) -> None:
    clock = ManualClock()
    anyio.run(clock.advance, age_s)
    model = Storyteller(["Yes."])
    senses = GivenSenses(current_scene=_SEEN, captions=_CAPTION, broken=broken)
    _say("is it a nice one", model=model, context=skill_context(senses, clock=clock))
    assert [turn.scene for turn in model.turns] == [told]


@pytest.mark.parametrize(
    ("language", "told"), [("en", "It's too dark to see anything."), ("zh", "太暗了，我什么都看不清。")]
)
def test_the_language_model_is_told_that_it_is_dark(language: str, told: str) -> None:
    model = Storyteller(["Yes."])
    senses = GivenSenses(current_scene=replace(_SEEN, dark=True), captions=_CAPTION)
    _say("is it a nice one", language, model=model, context=skill_context(senses))
    assert [turn.scene for turn in model.turns] == [told]


class BrokenSenses(GivenSenses):
    """A captioner and emotions that raise."""

    def caption(self, language: str) -> SceneCaption | None:
        raise KeyError(language)

    def emotion(self) -> EmotionState | None:
        raise KeyError("emotion")


def test_captions_and_emotions_that_fail_are_said_and_reported() -> None:
    broken = skill_context(BrokenSenses(current_scene=_SEEN))
    answer, sentences = _say("look", context=broken)
    assert sentences == ["Sorry, something went wrong while I was doing that."]
    assert [failure.stage for failure in answer.failures] == ["skill scene_describe"]
    answer, sentences = _say("tell me a story", model=Storyteller(["One."]), context=broken)
    assert sentences == ["Sorry, I can't think of an answer right now."]
    assert [failure.stage for failure in answer.failures] == ["language model"]


def test_two_skills_cannot_answer_the_same_intent() -> None:
    with pytest.raises(ConfigError, match="second"):
        Responder(KnownSentences(), {"first": TestedSkill(), "second": TestedSkill()}, None, Config())
