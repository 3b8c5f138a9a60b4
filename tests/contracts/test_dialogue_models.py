"""What every dialogue model must keep to, over the whole registry."""

from __future__ import annotations

import anyio
import pytest

from assistant.config import Config, DialogueConfig, LanguageModelConfig
from assistant.dialogue import DIALOGUE_MODELS
from assistant.errors import StageError
from assistant.models.store import ModelStore
from assistant.ports import DialogueTurn
from assistant.registry import resolve
from tests.doubles.endpoint import Endpoint, stream

_UNREACHABLE = LanguageModelConfig(url="http://127.0.0.1:9/v1", timeout_s=2.0)
"""The discard port: nothing listens there."""


@pytest.mark.parametrize("name", DIALOGUE_MODELS)
def test_a_model_that_cannot_answer_raises_and_says_what_to_do(name: str) -> None:
    config = Config(dialogue=DialogueConfig(language_model=_UNREACHABLE))
    model = resolve(DIALOGUE_MODELS, name, kind="language model").create(config, ModelStore())

    async def ask() -> list[str]:
        return [piece async for piece in model.reply(DialogueTurn("Hello", "en", (), "", ""))]

    with pytest.raises(StageError) as caught:
        anyio.run(ask)
    assert caught.value.remedy


@pytest.mark.parametrize("name", DIALOGUE_MODELS)
@pytest.mark.parametrize("unheard", [[], [1], [2], [0, 1, 2]])
def test_person_and_assistant_take_turns_whatever_was_not_heard(name: str, unheard: list[int]) -> None:
    """The templates of some models refuse two messages of one role in a row."""
    history = [(f"question {turn}", "" if turn in unheard else f"answer {turn}") for turn in range(3)]
    endpoint = Endpoint()
    endpoint.respond = stream("data: [DONE]")
    config = Config(dialogue=DialogueConfig(language_model=LanguageModelConfig(url=endpoint.url)))
    model = resolve(DIALOGUE_MODELS, name, kind="language model").create(config, ModelStore())

    async def ask() -> None:
        async for _ in model.reply(DialogueTurn("question 3", "en", history, "", "")):
            pass

    try:
        anyio.run(ask)
    finally:
        endpoint.close()
    system, *messages = endpoint.requests[0][2]["messages"]
    assert system["role"] == "system"
    assert [message["role"] for message in messages] == [*["user", "assistant"] * (3 - len(unheard)), "user"]
    told = "\n".join(message["content"] for message in messages).split("\n")
    assert told == [*(text for pair in history for text in pair if text), "question 3"], "nothing is lost"
