"""What happened before the camera, and telling aloud when something happens."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import aclosing
from typing import TYPE_CHECKING

from assistant.dialogue.phonetics import english_key, pinyin_key
from assistant.dialogue.replies import phrase
from assistant.events import SceneChange, SceneChangeKind
from assistant.han import contains_han, script_language
from assistant.people.album import Album
from assistant.ports import Intent
from assistant.skills import Reply, SkillContext
from assistant.skills.scene_history import what_changed, who_came
from assistant.skills.scene_words import PEOPLE_DID, object_word, sentence, spoken_change, unknown_thing
from assistant.skills.sight import cannot_see
from assistant.vision.labels import label_of, name_of

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.models.store import ModelStore

_THINGS: tuple[SceneChangeKind, ...] = ("appeared", "vanished", "moved")
_WATCHED: dict[str, tuple[tuple[SceneChangeKind, ...], dict[str, str]]] = {
    "came": (("came",), {"en": "someone comes", "zh": "有人来"}),
    "left": (("left",), {"en": "someone leaves", "zh": "有人离开"}),
    "dark": (("dark",), {"en": "it gets dark", "zh": "变暗"}),
    "light": (("light",), {"en": "it gets light", "zh": "变亮"}),
    "motion": (("motion",), {"en": "something moves suddenly", "zh": "有动静"}),
    "hand_raised": (("hand_raised",), {"en": "someone raises a hand", "zh": "有人举手"}),
    "lying": (("lying",), {"en": "someone lies on the floor", "zh": "有人躺在地上"}),
    "anything": (("came", "left", *_THINGS, "dark", "light"), {"en": "something changes", "zh": "有变化"}),
    "appeared": (("appeared", "came"), {"en": "I see {name}", "zh": "看到{name}"}),
    "vanished": (("vanished", "left"), {"en": "I don't see {name} any more", "zh": "看不到{name}"}),
}
"""What can be asked for: the slot `event` → kinds, and what it is called."""


_NAMED = {"came": {"en": "{name} comes", "zh": "{name}来"}, "left": {"en": "{name} leaves", "zh": "{name}离开"}}
_OF_THINGS = {"came": "appeared", "left": "vanished"}
_ARTICLES = ("the ", "a ", "an ", "any ")


class SceneEventsSkill:
    """Answers what happened; `scene_watch` tells aloud each time until `scene_unwatch`."""

    intents = frozenset({"scene_changed", "scene_came", "scene_watch", "scene_unwatch"})

    def __init__(self, people: Callable[[], Collection[str]] = tuple) -> None:
        """`people` are the names of those who were introduced."""
        self._people = people
        self._watches: dict[tuple[str, str], Callable[[], None]] = {}

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> SceneEventsSkill:
        """Knows whoever was introduced, now and later."""
        album = Album.of(config)
        return cls(lambda: [person.name for person in album.people()] if config.people.enabled else ())

    async def handle(self, intent: Intent, context: SkillContext) -> Reply:
        """Tell, watch, or stop watching."""
        language = intent.language
        if intent.name == "scene_unwatch":
            return Reply(self._unwatch(language))
        if blind := cannot_see(context.senses, language):
            return Reply(blind)
        if intent.name == "scene_watch":
            return Reply(self._watch(intent, context))
        tell = who_came if intent.name == "scene_came" else what_changed
        return Reply(tell(context, language))

    def _watch(self, intent: Intent, context: SkillContext) -> str:
        language, event = intent.language, intent.slots.get("event", "came")
        person, word = intent.slots.get("person", ""), object_word(intent.slots)
        if person.startswith(_ARTICLES) or label_of(person, script_language(person)):
            event, person, word = _OF_THINGS[event], "", person
        if person:
            name = _alike(person, self._people())
            if name is None:
                return phrase("watching_unknown_person", language, name=person)
            what = _NAMED[event][language].format(name=name)
            return self._start(event, name, what, _about_person(name, language), intent, context)
        label = label_of(word, script_language(word)) if word else None
        if word and label is None:
            return phrase("scene_unknown_object", language, object=unknown_thing(word, language))
        what = _WATCHED[event][1][language].format(name=_one(label, language) if label else "")
        return self._start(event, label or "", what, _about_thing(label, language), intent, context)

    def _start(
        self,
        event: str,
        subject: str,
        what: str,
        spoken: Callable[[SceneChange], str],
        intent: Intent,
        context: SkillContext,
    ) -> str:
        """Tell what `spoken` makes of each change, unless it is nothing."""
        language, kinds = intent.language, _WATCHED[event][0]
        if not all(context.senses.can_watch(kind) for kind in kinds):
            return phrase("watching_impossible", language)
        if (event, subject) in self._watches:
            return phrase("watching_already", language)

        async def tell() -> None:
            async with aclosing(context.senses.watch(kinds)) as changes:
                async for change in changes:
                    if text := spoken(change):
                        await context.controls.announce(text, language)

        self._watches[event, subject] = context.controls.start(f"watch for {event}", tell)
        return phrase("watching", language, what=what)

    def _unwatch(self, language: str) -> str:
        if not self._watches:
            return phrase("watching_nothing", language)
        for cancel in self._watches.values():
            cancel()
        self._watches.clear()
        return phrase("watching_stopped", language)


def _about_thing(label: str | None, language: str) -> Callable[[SceneChange], str]:
    """What is said of a change, nothing where it is of another class of things."""

    def spoken(change: SceneChange) -> str:
        return sentence(spoken_change(change, language), language) if label in (None, change.subject) else ""

    return spoken


def _about_person(name: str, language: str) -> Callable[[SceneChange], str]:
    """What is said of a change, nothing where it is someone else. A face that nobody has recognised may be theirs."""

    def spoken(change: SceneChange) -> str:
        if not change.name:
            return phrase("watching_perhaps", language, did=PEOPLE_DID[change.kind][language], name=name)
        return sentence(spoken_change(change, language), language) if change.name == name else ""

    return spoken


def _alike(heard: str, names: Collection[str]) -> str | None:
    """The name that sounds like what was heard."""
    for key in (str.casefold, pinyin_key if contains_han(heard) else english_key):
        for name in names:
            if key(name) == key(heard):
                return name
    return None


def _one(label: str, language: str) -> str:
    name = name_of(label, language, 1)
    return name if language == "zh" else f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
