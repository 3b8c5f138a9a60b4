"""What the camera sees: a description, counts, whether something is there, where, in which colour, and who."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.dialogue.replies import joined, phrase
from assistant.dialogue.sentences import joined_sentences
from assistant.events import SceneState, Track
from assistant.han import script_language
from assistant.people.present import named_people
from assistant.ports import Intent
from assistant.skills import Reply, SkillContext
from assistant.skills.people_words import spoken_people
from assistant.skills.scene_found import Found, look_for, whereabouts
from assistant.skills.scene_history import last_seen, never_seen
from assistant.skills.scene_words import (
    SIDES,
    named,
    object_word,
    placed,
    spoken_age,
    spoken_side,
    unknown_thing,
)
from assistant.skills.sight import cannot_see, too_dark
from assistant.vision.colors import COLORS
from assistant.vision.labels import counted, label_of, name_of
from assistant.vision.places import beside, on, under
from assistant.vision.things import PERSON, is_sure, things_of

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.models.store import ModelStore


_PLACED_NOWHERE = frozenset({PERSON, "chair", "couch", "bed", "bench", "dining table"})
"""Whether these are on something or behind it, a picture does not tell."""


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
            "scene_seen",
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
        if scene is not None and too_dark(scene) and intent.name != "scene_seen":
            return Reply(phrase("scene_too_dark", language) + self._age(scene, context, language))
        if intent.name == "scene_describe":
            caption = context.senses.caption(language)
            return Reply(caption.text if caption else phrase("scene_nothing_yet", language))
        if scene is None:
            return Reply(phrase("scene_nothing_yet", language))
        if intent.name == "scene_who":
            return Reply(self._who(intent, scene) + self._age(scene, context, language))
        word = object_word(intent.slots)
        label = label_of(word, script_language(word))
        if label is None:
            return Reply(phrase("scene_unknown_object", language, object=unknown_thing(word, language)))
        if intent.name == "scene_seen":
            return Reply(self._seen(intent, label, scene, context))
        return Reply(self._answer(intent, label, scene) + self._age(scene, context, language))

    def _answer(self, intent: Intent, label: str, scene: SceneState) -> str:
        language, slots = intent.language, intent.slots
        things = things_of(scene, min_confidence=self._min_confidence)
        found = look_for(scene, label, min_confidence=self._min_confidence)
        if scene.dark and (found.number == 0 or "surface" in slots):
            return phrase("scene_too_dark", language)
        asks_whether = intent.name == "scene_exists"
        if "surface" in slots:
            return _on_surface(found, slots["surface"], things, language, asks_whether=asks_whether)
        if "elsewhere" in slots:
            return _only_here(_number(found, language), intent)
        if found.number == 0 or asks_whether:
            return _number(found, language, asks_whether=asks_whether)
        if intent.name == "scene_where" and found.items:
            return _where(found, things, language)
        if intent.name == "scene_color":
            return _color(label, found.items, language)
        if intent.name == "scene_beside" and found.items:
            return _beside(found.items[0], things, slots.get("side", "next"), language)
        return _number(found, language)

    def _seen(self, intent: Intent, label: str, scene: SceneState, context: SkillContext) -> str:
        """Whether something was there: by what is there now, unless people are meant, of whom one is asking; else by
        what has happened."""
        language = intent.language
        past = last_seen(label, context, language)
        there = look_for(scene, label, min_confidence=self._min_confidence).number > 0
        if there and (label != PERSON or not past):
            anywhere = {name: value for name, value in intent.slots.items() if name != "surface"}
            counts = label == PERSON or "surface" in intent.slots
            now = replace(intent, name="scene_count" if counts else "scene_exists", slots=anywhere)
            return _whether_there(self._answer(now, label, scene), intent) + self._age(scene, context, language)
        if past:
            return _only_here(_whether_there(past, intent), intent)
        return _only_here(never_seen(label, context, language), intent)

    def _who(self, intent: Intent, scene: SceneState) -> str:
        language = intent.language
        people = look_for(scene, PERSON, min_confidence=self._min_confidence)
        told = _people(people, scene, language)
        return _only_here(_whether_there(told, intent) if people.number else told, intent)

    def _age(self, scene: SceneState, context: SkillContext, language: str) -> str:
        return spoken_age(context.clock.monotonic_s() - scene.at_s, self._max_age_s, language)


def _people(people: Found, scene: SceneState, language: str) -> str:
    """Who is there, by name where it is known."""
    known = named_people(scene)
    if known:
        perhaps = people.number > max(people.sure, len(known))
        return spoken_people(known, people.number - len(known), language, perhaps=perhaps)
    if people.number == 0:
        return phrase("scene_who_none", language)
    if scene.faces:
        return phrase("scene_who", language, counted=people.spoken(language))
    return phrase("scene_who_perhaps", language, counted=counted(PERSON, language, people.number))


def _only_here(told: str, intent: Intent) -> str:
    """With what must be said first to who asks about a place of which a camera does not know whether it sees it."""
    if "elsewhere" not in intent.slots:
        return told
    return joined_sentences([phrase("scene_only_before_camera", intent.language), told], intent.language)


def _whether_there(told: str, intent: Intent) -> str:
    """With what cannot be told of a surface that was asked about: whether they are, or were, on it."""
    word = intent.slots.get("surface", "")
    surface = label_of(word, script_language(word))
    if surface is None:
        return told
    place = spoken_side(surface, "on", intent.language)
    key = "scene_whether_was_there" if intent.name == "scene_seen" else "scene_whether_there"
    return joined_sentences([told, phrase(key, intent.language, place=place)], intent.language)


def _number(found: Found, language: str, *, asks_whether: bool = False, where: str = "") -> str:
    """How many there are, if any; `where` is what they stand on."""
    if found.number == 0:
        name = name_of(found.label, language, 2)
        return phrase("scene_no" if asks_whether else "scene_none", language, name=placed(name, where, language))
    key = ("scene_yes" if asks_whether else "scene_count") + ("" if found.sure else "_perhaps")
    return phrase(key, language, counted=placed(found.spoken(language), where, language))


def _on_surface(found: Found, word: str, things: list[Track], language: str, *, asks_whether: bool) -> str:
    """What of it stands on a table, a chair …"""
    label = label_of(word, script_language(word))
    surfaces = [item for item in things if item.label == label]
    if not surfaces:
        name = name_of(label, language, 2) if label else word
        return phrase("scene_none", language, name=name)
    where = spoken_side(surfaces[0].label, "on", language)
    there = [item for item in found.items if any(item in on(surface, things) for surface in surfaces)]
    perhaps = [item for item in found.items if item not in there and any(_is_before(item, each) for each in surfaces)]
    if found.number and (found.label in _PLACED_NOWHERE or (perhaps and not there)):
        return phrase("scene_place_unclear", language, counted=found.spoken(language), place=where)
    sure = sum(is_sure(item) for item in there) if any(is_sure(surface) for surface in surfaces) else 0
    on_it = Found(found.label, tuple(there), sure, len(there) - sure + len(perhaps))
    return _number(on_it, language, asks_whether=asks_whether, where=where)


def _is_before(item: Track, surface: Track) -> bool:
    """Whether a thing is seen within a surface, on it or in front of it, and not below."""
    (x, y), box = item.box.center, surface.box
    return box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1 and not under(surface, [item])


def _where(found: Found, things: list[Track], language: str) -> str:
    """Where each of them is, first those that are there without doubt."""
    sure = [item for item in found.items if is_sure(item)]
    doubtful = [item for item in found.items if not is_sure(item)]
    told = [phrase("scene_count", language, counted=whereabouts(sure, things, language))] if sure else []
    if doubtful:
        key = "scene_perhaps_more" if sure else "scene_count_perhaps"
        told.append(phrase(key, language, counted=whereabouts(doubtful, things, language, more=bool(sure))))
    return joined_sentences(told, language)


def _color(label: str, found: Sequence[Track], language: str) -> str:
    """Of the surest, or of each if there are several in different colours."""
    name = name_of(label, language, 1)
    colored = [item for item in found if item.color]
    colors = list(dict.fromkeys(item.color for item in colored))
    if not colors:
        return phrase("scene_color_unclear", language, name=name)
    if len(colors) > 1:
        one_each = [named(label, color, language) for color in colors]
        key = "scene_count" if all(is_sure(item) for item in colored) else "scene_count_perhaps"
        return phrase(key, language, counted=joined(one_each, language))
    key = "scene_color" if is_sure(colored[0]) else "scene_color_perhaps"
    return phrase(key, language, name=name, color=COLORS[colors[0]] if language == "zh" else colors[0])


def _beside(thing: Track, things: list[Track], side: str, language: str) -> str:
    """What is on, left of, right of or next to a thing."""
    where = spoken_side(thing.label, side, language)
    around = {"on": on, "under": under}
    there = around[side](thing, things) if side in around else beside(thing, things, SIDES[side])
    if not there:
        return phrase("scene_beside_none", language, place=where)
    labels = list(dict.fromkeys(item.label for item in there))
    spoken = [counted(label, language, sum(item.label == label for item in there)) for label in labels]
    opening = where if language == "zh" else f"{where[0].upper()}{where[1:]}"
    key = "scene_beside" if all(is_sure(item) for item in (thing, *there)) else "scene_beside_perhaps"
    return phrase(key, language, place=opening, things=joined(spoken, language))
