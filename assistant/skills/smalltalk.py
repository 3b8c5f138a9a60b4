"""What is polite to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.dialogue.replies import phrase
from assistant.ports import Intent
from assistant.skills import Reply, SkillContext

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.models.store import ModelStore

_KEYS = {"greet": "greet", "thanks": "thanks", "name_ask": "name", "how_are_you": "how_are_you"}
_MORNING = ("good morning", "早上好", "早安", "上午好")
_EVENING = ("good evening", "晚上好")


class SmallTalkSkill:
    """Greetings, thanks, and questions about the assistant."""

    intents = frozenset(_KEYS)
    answers_ahead = intents

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> SmallTalkSkill:
        """Needs nothing."""
        return cls()

    async def handle(self, intent: Intent, context: SkillContext) -> Reply:
        """Answer in kind."""
        key = _KEYS[intent.name]
        said = intent.text.casefold()
        if key == "greet" and any(greeting in said for greeting in _MORNING):
            key = "greet_morning"
        elif key == "greet" and any(greeting in said for greeting in _EVENING):
            key = "greet_evening"
        return Reply(phrase(key, intent.language, context.turn_id))
