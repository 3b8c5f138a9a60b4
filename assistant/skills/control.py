"""The assistant itself: its loudness, its last words, silence, and the end of a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.dialogue.numbers import spoken_number
from assistant.dialogue.replies import phrase
from assistant.han import script_language
from assistant.ports import Intent
from assistant.skills import Reply, SkillContext

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.models.store import ModelStore

_VOLUME_STEP = 0.15
_LOWEST_VOLUME = 0.1
"""Speaking cannot make itself inaudible, for then it could not be asked to undo it."""


class ControlSkill:
    """Commands about the conversation, not about the world."""

    intents = frozenset(
        {"repeat", "continue", "volume_up", "volume_down", "volume_set", "stop", "mute", "goodbye", "help"}
    )
    answers_ahead = frozenset({"repeat", "goodbye", "help"})

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> ControlSkill:
        """Needs nothing."""
        return cls()

    async def handle(self, intent: Intent, context: SkillContext) -> Reply:
        """Do it, and confirm in a few words."""
        language, turn_id = intent.language, context.turn_id
        if intent.name == "repeat":
            return Reply(context.controls.last_reply() or phrase("repeat_nothing", language))
        if intent.name == "continue":
            return _continue(language, context)
        if intent.name == "volume_set":
            volume = _volume(intent)
            return _set_volume(volume, "volume_set" if volume >= _LOWEST_VOLUME else "volume_lowest", language, context)
        if intent.name in ("volume_up", "volume_down"):
            return _step_volume(1 if intent.name == "volume_up" else -1, language, context)
        if intent.name == "stop":
            return Reply("", ends_conversation=True)
        if intent.name == "mute":
            await context.controls.mute()
            return Reply(phrase("mute", language), ends_conversation=True)
        if intent.name == "goodbye":
            return Reply(phrase("goodbye", language, turn_id), ends_conversation=True)
        return Reply(phrase("help", language))


def _continue(language: str, context: SkillContext) -> Reply:
    unsaid = context.controls.unsaid()
    if unsaid:
        return Reply(unsaid, language=script_language(unsaid))
    return Reply(phrase("continue_nothing" if context.controls.last_reply() else "repeat_nothing", language))


def _step_volume(direction: int, language: str, context: SkillContext) -> Reply:
    before = context.controls.volume()
    if direction > 0 and before >= 1.0:
        return Reply(phrase("volume_highest", language))
    if direction < 0 and before <= _LOWEST_VOLUME:
        return Reply(phrase("volume_lowest", language))
    key = "volume_louder" if direction > 0 else "volume_quieter"
    return _set_volume(before + direction * _VOLUME_STEP, key, language, context)


def _set_volume(volume: float, key: str, language: str, context: SkillContext) -> Reply:
    volume = min(1.0, max(_LOWEST_VOLUME, volume))
    context.controls.set_volume(volume)
    return Reply(phrase(key, language, percent=spoken_number(round(volume * 100), language)))


def _volume(intent: Intent) -> float:
    """The loudness asked for, 0 to 1. A bare number up to ten counts in tenths: "volume five" is the middle."""
    number = int(intent.slots["volume"])
    if intent.slots.get("scale") == "ten" and number <= 10:
        number *= 10
    return number / 100
