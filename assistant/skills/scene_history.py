"""Answers from what has happened before the camera: never "no" for a time in which nobody looked."""

from __future__ import annotations

from assistant.dialogue.durations import spoken_remaining
from assistant.dialogue.replies import phrase
from assistant.skills import SkillContext
from assistant.skills.scene_words import dated_change, sentence
from assistant.vision.labels import name_of

_MOST_TOLD = 3
_RECENT_S = 3600.0
"""An arrival that is older may be none of those who were asked about: it is told, without a "yes"."""


def who_came(context: SkillContext, language: str) -> str:
    """The newest arrival, however old."""
    came = [change for change in context.senses.happened() if change.kind == "came"]
    if not came:
        return _not_since("happened_nobody", context, language)
    now_s = context.clock.monotonic_s()
    key = "happened_came" if now_s - came[-1].at_s <= _RECENT_S else "happened_came_last"
    return phrase(key, language, what=dated_change(came[-1], now_s, language))


def what_changed(context: SkillContext, language: str) -> str:
    """The newest changes, however old."""
    happened = context.senses.happened()
    if not happened:
        return _not_since("happened_nothing", context, language)
    now_s = context.clock.monotonic_s()
    told = [dated_change(change, now_s, language) for change in happened[-_MOST_TOLD:]]
    return sentence(("；" if language == "zh" else "; ").join(told), language)


def last_seen(label: str, context: SkillContext, language: str) -> str:
    """The newest arrival of a person, or what happened last to things of a class; empty where nothing did."""
    changes = [change for change in context.senses.happened() if change.subject == label]
    arrivals = [change for change in changes if change.kind == "came"]
    if not changes:
        return ""
    newest = (arrivals or changes)[-1]
    return sentence(dated_change(newest, context.clock.monotonic_s(), language), language)


def never_seen(label: str, context: SkillContext, language: str) -> str:
    """That none of a class was seen, and since when that is known."""
    return _not_since("happened_unseen", context, language, name=name_of(label, language, 2))


def _not_since(key: str, context: SkillContext, language: str, *, name: str = "") -> str:
    """That something was not seen since the assistant began to look."""
    since_s = context.senses.looking_since_s()
    if since_s is None:
        scene = context.senses.scene()
        return phrase("scene_too_dark" if scene is not None and scene.dark else "scene_nothing_yet", language)
    age = spoken_remaining(context.clock.monotonic_s() - since_s, language)
    return phrase(key, language, age=age, name=name)
