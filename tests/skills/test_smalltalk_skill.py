"""Polite answers."""

from __future__ import annotations

import anyio
import pytest

from assistant.ports import Intent
from assistant.skills.smalltalk import SmallTalkSkill
from tests.doubles.context import skill_context


@pytest.mark.parametrize(
    ("text", "language", "begins"),
    [
        ("Good morning!", "en", "Good morning!"),
        ("Hello", "en", "H"),
        ("晚上好", "zh", "晚上好！"),
        ("你好", "zh", "你好"),
    ],
)
def test_a_greeting_is_returned_in_kind(text: str, language: str, begins: str) -> None:
    reply = anyio.run(SmallTalkSkill().handle, Intent("greet", {}, language, text), skill_context())
    assert reply.text.startswith(begins)
    assert not reply.ends_conversation
