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
