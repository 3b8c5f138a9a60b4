"""What happened before the camera, and telling aloud when something happens."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.dialogue.replies import phrase
from assistant.events import SceneChangeKind
from assistant.han import script_language
from assistant.ports import Intent
from assistant.skills import Reply, SkillContext
from assistant.skills.scene_words import dated_change, object_word, spoken_change, unknown_thing
from assistant.vision.labels import label_of, name_of

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.models.store import ModelStore

_MOST_TOLD = 3
_MEMORY_S = 3600.0
"""Older changes are not told any more."""
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


@dataclass(slots=True)
class _Watch:
    label: str | None
    """Only this class of things, if any."""
    cancel: Callable[[], None]


class SceneEventsSkill:
    """Answers what happened; `scene_watch` tells aloud each time until `scene_unwatch`."""

    intents = frozenset({"scene_changed", "scene_came", "scene_watch", "scene_unwatch"})

    def __init__(self) -> None:
        self._watches: dict[tuple[str, str | None], _Watch] = {}

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> SceneEventsSkill:
        """Needs nothing."""
        return cls()

    async def handle(self, intent: Intent, context: SkillContext) -> Reply:
        """Tell, watch, or stop watching."""
        language = intent.language
        if intent.name == "scene_unwatch":
            return Reply(self._unwatch(language))
        if not {"camera", "vision"}.isdisjoint(context.senses.unavailable()):
            return Reply(phrase("scene_no_camera", language))
        if intent.name == "scene_watch":
            return Reply(self._watch(intent, context))
        return Reply(_told(intent, context))

    def _watch(self, intent: Intent, context: SkillContext) -> str:
        language, event, word = intent.language, intent.slots.get("event", "came"), object_word(intent.slots)
        label = label_of(word, script_language(word)) if word else None
        if word and label is None:
            return phrase("scene_unknown_object", language, object=unknown_thing(word, language))
        kinds, names = _WATCHED[event]
        if not all(context.senses.can_watch(kind) for kind in kinds):
            return phrase("watching_impossible", language)
        if (event, label) in self._watches:
            return phrase("watching_already", language)

        async def tell() -> None:
            async with aclosing(context.senses.watch(kinds)) as changes:
                async for change in changes:
                    if label is None or change.subject == label:
                        await context.controls.announce(_sentence(spoken_change(change, language), language), language)

        cancel = context.controls.start(f"watch for {event}", tell)
        self._watches[event, label] = _Watch(label, cancel)
        name = _one(label, language) if label else ""
        return phrase("watching", language, what=names[language].format(name=name))

    def _unwatch(self, language: str) -> str:
        if not self._watches:
            return phrase("watching_nothing", language)
        for watch in self._watches.values():
            watch.cancel()
        self._watches.clear()
        return phrase("watching_stopped", language)


def _told(intent: Intent, context: SkillContext) -> str:
    language, now_s = intent.language, context.clock.monotonic_s()
    happened = [change for change in context.senses.happened() if now_s - change.at_s <= _MEMORY_S]
    if intent.name == "scene_came":
        came = [change for change in happened if change.kind == "came"]
        if not came:
            return phrase("happened_nobody", language)
        return phrase("happened_came", language, what=dated_change(came[-1], now_s, language))
    if not happened:
        return phrase("happened_nothing", language)
    told = [dated_change(change, now_s, language) for change in happened[-_MOST_TOLD:]]
    return _sentence(("；" if language == "zh" else "; ").join(told), language)


def _sentence(text: str, language: str) -> str:
    return f"{text}。" if language == "zh" else f"{text[0].upper()}{text[1:]}."


def _one(label: str, language: str) -> str:
    name = name_of(label, language, 1)
    return name if language == "zh" else f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
