"""What the camera sees: a description, counts, whether something is there, where, in which colour, and who."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.dialogue.replies import joined, phrase
from assistant.events import SceneState, Track
from assistant.han import script_language
from assistant.people.present import named_people
from assistant.ports import Intent
from assistant.skills import Reply, SkillContext
from assistant.skills.people_words import spoken_people
from assistant.skills.scene_words import (
    SIDES,
    named,
    object_word,
    relative_place,
    spoken_age,
    spoken_side,
    unknown_thing,
)
from assistant.skills.sight import cannot_see, too_dark
from assistant.vision.colors import COLORS
from assistant.vision.labels import counted, label_of, name_of
from assistant.vision.places import beside, on, under
from assistant.vision.things import PERSON, SURE_CONFIDENCE, count_of, things_of

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.models.store import ModelStore


class SceneSkill:
    """Answers from the newest scene, and says how old it is when it is old."""

    intents = frozenset(
        {
            "scene_describe",
            "scene_count",
            "scene_exists",
            "scene_where",
            "scene_beside",
            "scene_color",
            "scene_who",
        }
    )
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
        if blind := cannot_see(context.senses, language):
            return Reply(blind)
        scene = context.senses.scene()
        if scene is None:
            return Reply(phrase("scene_nothing_yet", language))
        if too_dark(scene):
            return Reply(phrase("scene_too_dark", language) + self._age(scene, context, language))
        if intent.name == "scene_describe":
            caption = context.senses.caption(language)
            return Reply(caption.text if caption else phrase("scene_nothing_yet", language))
        if intent.name == "scene_who":
            return Reply(self._who(scene, language) + self._age(scene, context, language))
        word = object_word(intent.slots)
        label = label_of(word, script_language(word))
        if label is None:
            return Reply(phrase("scene_unknown_object", language, object=unknown_thing(word, language)))
        return Reply(self._answer(intent, label, scene) + self._age(scene, context, language))

    def _answer(self, intent: Intent, label: str, scene: SceneState) -> str:
        language = intent.language
        things = things_of(scene, min_confidence=self._min_confidence)
        found = sorted((item for item in things if item.label == label), key=lambda item: -item.confidence)
        number = count_of(scene, label, min_confidence=self._min_confidence)
        if number == 0 and scene.dark:
            return phrase("scene_too_dark", language)
        if number == 0:
            key = "scene_no" if intent.name == "scene_exists" else "scene_none"
            return phrase(key, language, name=name_of(label, language, 2))
        if intent.name == "scene_exists":
            key = "scene_yes" if _surely(found, scene) else "scene_yes_perhaps"
            return phrase(key, language, counted=counted(label, language, number))
        if intent.name == "scene_where" and found:
            key = "scene_where" if found[0].confidence >= SURE_CONFIDENCE else "scene_where_perhaps"
            place = relative_place(found[0], things, language)
            return phrase(key, language, counted=counted(label, language, 1), place=place)
        if intent.name == "scene_color":
            return _color(label, found, language)
        if intent.name == "scene_beside" and found:
            return _beside(found[0], things, intent.slots.get("side", "next"), language)
        return phrase("scene_count", language, counted=counted(label, language, number))

    def _who(self, scene: SceneState, language: str) -> str:
        number = count_of(scene, PERSON, min_confidence=self._min_confidence)
        known = named_people(scene)
        if known:
            return spoken_people(known, number - len(known), language)
        if number == 0:
            return phrase("scene_who_none", language)
        key = "scene_who" if scene.faces else "scene_who_perhaps"
        return phrase(key, language, counted=counted(PERSON, language, number))

    def _age(self, scene: SceneState, context: SkillContext, language: str) -> str:
        return spoken_age(context.clock.monotonic_s() - scene.at_s, self._max_age_s, language)


def _surely(found: list[Track], scene: SceneState) -> bool:
    """Whether one of them is there without doubt. A person of whom only the face is found is."""
    return not found or found[0].confidence >= SURE_CONFIDENCE or (found[0].label == PERSON and bool(scene.faces))


def _color(label: str, found: list[Track], language: str) -> str:
    """Of the surest, or of each if there are several in different colours."""
    name = name_of(label, language, 1)
    colors = list(dict.fromkeys(item.color for item in found if item.color))
    if not colors:
        return phrase("scene_color_unclear", language, name=name)
    if len(colors) > 1:
        one_each = [named(label, color, language) for color in colors]
        return phrase("scene_colors", language, colors=joined(one_each, language))
    key = "scene_color" if found[0].confidence >= SURE_CONFIDENCE else "scene_color_perhaps"
    return phrase(key, language, name=name, color=COLORS[colors[0]] if language == "zh" else colors[0])


def _beside(thing: Track, things: list[Track], side: str, language: str) -> str:
    """What is on, left of, right of or next to a thing."""
    where = spoken_side(thing, side, language)
    around = {"on": on, "under": under}
    there = around[side](thing, things) if side in around else beside(thing, things, SIDES[side])
    if not there:
        return phrase("scene_beside_none", language, place=where)
    labels = list(dict.fromkeys(item.label for item in there))
    spoken = [counted(label, language, sum(item.label == label for item in there)) for label in labels]
    opening = where if language == "zh" else f"{where[0].upper()}{where[1:]}"
    return phrase("scene_beside", language, place=opening, things=joined(spoken, language))
