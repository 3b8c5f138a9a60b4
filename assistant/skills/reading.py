"""Reads aloud what is written before the camera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assistant.dialogue.replies import phrase
from assistant.errors import DependencyMissingError
from assistant.han import contains_han, script_language
from assistant.ports import Intent, TextLine
from assistant.skills import Reply, SkillContext
from assistant.skills.scene_words import spoken_age
from assistant.skills.sight import cannot_see

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.models.store import ModelStore

_SURE_CONFIDENCE = 0.92
_MOST_CHARACTERS = 240
"""Some twenty seconds of speech."""
_ENDS = ".!?。！？…"


class ReadingSkill:
    """Reads what the camera sees at the moment, hedged by confidence, in the language in which it is written."""

    intents = frozenset({"scene_read"})

    def __init__(self, *, max_age_s: float) -> None:
        self._max_age_s = max_age_s

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> ReadingSkill:
        """Takes its threshold from the section `vision`."""
        return cls(max_age_s=config.vision.max_age_s)

    async def handle(self, intent: Intent, context: SkillContext) -> Reply:
        """Look now, and read; say so when nothing can be seen or read. Raises `AssistantError` when looking or reading
        fails."""
        language = intent.language
        if blind := cannot_see(context.senses, language):
            return Reply(blind)
        try:
            found = await context.senses.read()
        except DependencyMissingError:
            return Reply(phrase("reading_not_installed", language))
        told, all_told = _within(found.lines, _MOST_CHARACTERS)
        if not told:
            return Reply(phrase("reading_nothing", language))
        text = _joined([line.text for line in told])
        # A voice that speaks English only cannot read a Chinese sign; the Chinese one reads both.
        language = "zh" if contains_han(text) else language
        key = "reading" if min(line.confidence for line in told) >= _SURE_CONFIDENCE else "reading_perhaps"
        reply = phrase(key, language, text=text if text[-1] in _ENDS else text + ("。" if language == "zh" else "."))
        if not all_told:
            reply += phrase("reading_more", language)
        reply += spoken_age(context.clock.monotonic_s() - found.at_s, self._max_age_s, language)
        return Reply(reply, language=language)


def _within(lines: Sequence[TextLine], most: int) -> tuple[list[TextLine], bool]:
    """Whole lines up to a length, at least one; and whether that is all."""
    told: list[TextLine] = []
    for line in lines:
        if told and sum(len(item.text) for item in told) + len(line.text) > most:
            return told, False
        told.append(line)
    return told, True


def _joined(lines: Sequence[str]) -> str:
    """With a pause between the lines."""
    text = lines[0]
    for line in lines[1:]:
        comma = "，" if script_language(text[-1]) == "zh" or script_language(line) == "zh" else ", "
        text += (comma if text[-1].isalnum() else " ") + line
    return text
