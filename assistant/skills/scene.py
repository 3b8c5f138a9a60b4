"""What the camera sees: a description, counts, whether something is there, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.dialogue.durations import spoken_remaining
from assistant.dialogue.replies import phrase
from assistant.events import Detection, SceneState
from assistant.han import script_language
from assistant.ports import Intent
from assistant.skills import Reply, SkillContext
from assistant.vision.labels import count, counted, label_of, name_of

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.models.store import ModelStore

_SURE_CONFIDENCE = 0.5
"""Below it a single object is said to be there with a hedge."""
_PLACES = {"en": ("on the left", "in the middle", "on the right"), "zh": ("在左边", "在中间", "在右边")}


class SceneSkill:
    """Answers from the newest scene, and says how old it is when it is old."""

    intents = frozenset({"scene_describe", "scene_count", "scene_exists", "scene_where"})
    answers_ahead = intents

    def __init__(self, *, min_confidence: float, max_age_s: float) -> None:
        self._min_confidence = min_confidence
        self._max_age_s = max_age_s

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> SceneSkill:
        """Takes its thresholds from the section `vision`."""
        return cls(min_confidence=config.vision.min_confidence, max_age_s=config.vision.max_age_s)

    async def handle(self, intent: Intent, context: SkillContext) -> Reply:
        """Describe, count or look for something; say so when nothing can be seen."""
        language = intent.language
        if not {"camera", "vision", "sight"}.isdisjoint(context.senses.unavailable()):
            return Reply(phrase("scene_no_camera", language))
        if intent.name == "scene_describe":
            caption = context.senses.caption(language)
            return Reply(caption.text if caption else phrase("scene_nothing_yet", language))
        scene = context.senses.scene()
        if scene is None:
            return Reply(phrase("scene_nothing_yet", language))
        word = intent.slots["object"]
        label = label_of(word, script_language(word))
        if label is None:
            return Reply(phrase("scene_unknown_object", language, object=word))
        return Reply(self._answer(intent.name, label, scene, language) + self._age(scene, context, language))

    def _answer(self, intent: str, label: str, scene: SceneState, language: str) -> str:
        found = [item for item in scene.objects if item.label == label and item.confidence >= self._min_confidence]
        number = count(scene, label, min_confidence=self._min_confidence)
        things = counted(label, language, number)
        if number == 0:
            key = "scene_no" if intent == "scene_exists" else "scene_none"
            return phrase(key, language, name=name_of(label, language, 2))
        if intent == "scene_exists":
            sure = max((item.confidence for item in found), default=1.0) >= _SURE_CONFIDENCE
            return phrase("scene_yes" if sure else "scene_yes_perhaps", language, counted=things)
        if intent == "scene_where" and found:
            best = max(found, key=lambda item: item.confidence)
            return phrase("scene_where", language, counted=counted(label, language, 1), place=_place(best, language))
        return phrase("scene_count", language, counted=things)

    def _age(self, scene: SceneState, context: SkillContext, language: str) -> str:
        age_s = context.clock.monotonic_s() - scene.at_s
        if age_s <= self._max_age_s:
            return ""
        space = "" if language == "zh" else " "
        return space + phrase("scene_old", language, age=spoken_remaining(age_s, language))


def _place(item: Detection, language: str) -> str:
    """Which third of the picture an object is in, as the camera sees it."""
    third = min(2, int(item.box.center[0] * 3))
    return _PLACES[language][third]
