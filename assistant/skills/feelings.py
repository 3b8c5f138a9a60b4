"""How the person seems to feel: said only when asked, hedged, and honestly not known when the evidence is thin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.dialogue.phrases import CHANNELS, FEELINGS
from assistant.dialogue.replies import joined, phrase
from assistant.dialogue.sentences import joined_sentences
from assistant.events import EmotionLabel, EmotionState
from assistant.ports import Intent
from assistant.skills import Reply, SkillContext

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.models.store import ModelStore

_SURE_CONFIDENCE = 0.7

_UNPLEASANT = frozenset({"bad", "upset", "不高兴", "不开心", "郁闷"})
_ASKED_FEELINGS: dict[EmotionLabel, frozenset[str]] = {
    "happy": frozenset({"happy", "good", "okay", "excited", "开心", "高兴", "快乐", "好"}),
    "sad": _UNPLEASANT | {"sad", "难过", "伤心", "沮丧"},
    "angry": _UNPLEASANT | {"angry", "stressed", "生气", "愤怒"},
    "fear": _UNPLEASANT | {"scared", "afraid", "worried", "nervous", "stressed", "害怕", "紧张"},
    "surprise": frozenset({"surprised", "惊讶"}),
    "disgust": _UNPLEASANT | {"disgusted"},
    "neutral": frozenset({"okay", "good", "好"}),
}
"""The words of the templates' list {feeling} that each label agrees with. Of a word that stands nowhere, such as
"tired", the labels say neither yes nor no."""
_KNOWN_FEELINGS = frozenset().union(*_ASKED_FEELINGS.values())


class FeelingsSkill:
    """Puts the fused estimate into words."""

    intents = frozenset({"feelings_ask", "feelings_why"})
    answers_ahead = intents

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> FeelingsSkill:
        """Needs nothing."""
        return cls()

    async def handle(self, intent: Intent, context: SkillContext) -> Reply:
        """Say how the person seems to feel, or what that rests on."""
        state, language = context.senses.emotion(), intent.language
        if intent.name == "feelings_why":
            return Reply(_evidence(state, language))
        if state is None or state.label is None:
            return Reply(phrase("feelings_unsure", language, context.turn_id))
        return Reply(_feeling(state, state.label, intent.slots.get("feeling"), language))


def _feeling(state: EmotionState, label: EmotionLabel, asked: str | None, language: str) -> str:
    feeling, sure = FEELINGS[language][label], state.confidence >= _SURE_CONFIDENCE
    if asked in _KNOWN_FEELINGS and sure:
        agrees = asked in _ASKED_FEELINGS[label]
        return phrase("feelings_yes" if agrees else "feelings_no", language, feeling=feeling)
    if label == "neutral":
        seems = phrase("feelings_neutral" if sure else "feelings_neutral_hedged", language)
    else:
        seems = phrase("feelings_sure" if sure else "feelings_hedged", language, feeling=feeling)
    if asked is None or asked in _KNOWN_FEELINGS:
        return seems
    return joined_sentences([phrase("feelings_cannot_tell", language), seems], language)


def _evidence(state: EmotionState | None, language: str) -> str:
    counted = [item for item in state.contributions if item.left_out is None] if state else []
    by_weight = sorted(counted, key=lambda item: -item.weight)
    names = [CHANNELS[language][item.channel] for item in by_weight if item.channel in CHANNELS[language]]
    if not names:
        return phrase("feelings_why_unsure", language)
    return phrase("feelings_why", language, channels=joined(names, language))
