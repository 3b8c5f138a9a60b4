"""How places, colours and what happened are put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from assistant.dialogue.durations import spoken_remaining
from assistant.dialogue.replies import phrase
from assistant.events import SceneChange, SceneChangeKind, Track
from assistant.vision.colors import COLORS
from assistant.vision.labels import counted, name_of
from assistant.vision.places import Relation, distance_of, is_on, is_under, third_of

SIDES: Final[dict[str, Relation]] = {"left": "left", "right": "right", "next": "next"}

_PLACES = {
    "en": {"left": "on the left", "middle": "in the middle", "right": "on the right"},
    "zh": {"left": "在左边", "middle": "在中间", "right": "在右边"},
}
_DISTANCES = {"en": {"near": ", close to me", "far": ", far away"}, "zh": {"near": "，离我很近", "far": "，离我很远"}}
_SIDES = {
    "en": {
        "left": "to the left of the {name}",
        "right": "to the right of the {name}",
        "next": "next to the {name}",
        "on": "on the {name}",
        "under": "under the {name}",
    },
    "zh": {"left": "{name}左边", "right": "{name}右边", "next": "{name}旁边", "on": "{name}上", "under": "{name}下面"},
}
_NOW_S = 10.0
_HAPPENED: Final[dict[SceneChangeKind, tuple[str, str]]] = {
    "came": ("someone came", "有人来了"),
    "left": ("someone left", "有人走了"),
    "appeared": ("{a_thing} appeared", "出现了{a_thing}"),
    "vanished": ("{a_thing} disappeared", "{a_thing}不见了"),
    "moved": ("{a_thing} was moved", "{a_thing}被移动了"),
    "dark": ("it got dark", "变暗了"),
    "light": ("it got light again", "又亮了"),
    "motion": ("something moved suddenly", "突然有动静"),
    "hand_raised": ("someone raised a hand", "有人举手了"),
    "lying": ("someone was lying down", "有人躺下了"),
}

PEOPLE_DID: Final[dict[SceneChangeKind, dict[str, str]]] = {
    "came": {"en": "came", "zh": "来了"},
    "left": {"en": "left", "zh": "走了"},
}
"""What someone with a name does."""


def spoken_place(item: Track, things: Sequence[Track], language: str) -> str:
    """ "on the left", 在左边; a person's distance too."""
    distance = distance_of(item, things)
    return _PLACES[language][third_of(item.box)] + (_DISTANCES[language][distance] if distance else "")


def relative_place(item: Track, things: Sequence[Track], language: str) -> str:
    """Where a thing is, by what it stands on or is under if there is such a thing: "on the table, on the left"."""
    place = spoken_place(item, things, language)
    for other in things:
        if other.label == item.label:
            continue
        relation = "on" if is_on(item, other) else "under" if is_under(item, other) else None
        if relation is not None:
            where = _SIDES[language][relation].format(name=name_of(other.label, language, 1))
            return f"{where}, {place}" if language == "en" else f"在{where}，{place}"
    return place


def spoken_side(label: str, side: str, language: str) -> str:
    """ "to the left of the dog", 狗左边."""
    return _SIDES[language][side].format(name=name_of(label, language, 1))


def placed(things: str, where: str, language: str) -> str:
    """ "cups on the table", 桌子上有杯子; as they are where there is no such place."""
    if not where:
        return things
    if language == "zh":
        return f"{where}有{things}"
    return f"{things}{',' if ',' in things else ''} {where}"


def sentence(text: str, language: str) -> str:
    """With what a sentence begins and ends with."""
    return f"{text}。" if language == "zh" else f"{text[0].upper()}{text[1:]}."


def named(label: str, color: str, language: str) -> str:
    """ "a red cup", 一个红色的杯子."""
    name, one = name_of(label, language, 1), counted(label, language, 1)
    if language == "zh":
        return f"{one.removesuffix(name)}{COLORS[color]}的{name}"
    return f"{'an' if color[0] in 'aeiou' else 'a'} {color} {name}"


def object_word(slots: Mapping[str, str]) -> str:
    """What was asked about; a particle at the end of a Chinese question is none of it."""
    return slots.get("object", "").rstrip("吗呢啊吧呀")


def unknown_thing(word: str, language: str) -> str:
    """What a thing that the detector does not know is called in "I don't know what … like": "a unicorn looks"."""
    if language == "zh":
        return word
    bare = word.removeprefix("the ").removeprefix("an ").removeprefix("a ").removeprefix("any ").strip()
    if bare.endswith("s") and not bare.endswith("ss"):
        return f"{bare} look"
    return f"{'an' if bare[:1].lower() in 'aeio' else 'a'} {bare} looks"


def spoken_change(change: SceneChange, language: str) -> str:
    """ "someone came", 有人来了; by name where it is known."""
    if change.name:
        told = PEOPLE_DID[change.kind][language]
        sure = "" if change.name_sure else {"en": "I think ", "zh": "好像"}[language]
        return f"{sure}{change.name}{'' if language == 'zh' else ' '}{told}"
    thing = counted(change.subject, language, 1)
    if language == "en":
        name = name_of(change.subject, "en", 1)
        thing = f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
    english, chinese = _HAPPENED[change.kind]
    return (chinese if language == "zh" else english).format(a_thing=thing)


def dated_change(change: SceneChange, now_s: float, language: str) -> str:
    """With how long ago it was."""
    age_s, what = max(0.0, now_s - change.at_s), spoken_change(change, language)
    if age_s < _NOW_S:
        return phrase("happened_now", language, what=what)
    return phrase("happened_ago", language, age=spoken_remaining(age_s, language), what=what)


def spoken_age(age_s: float, max_age_s: float, language: str) -> str:
    """A sentence more, for evidence that is older than it should be; empty while it is not."""
    if age_s <= max_age_s:
        return ""
    return ("" if language == "zh" else " ") + phrase("scene_old", language, age=spoken_remaining(age_s, language))
