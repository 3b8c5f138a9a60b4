"""Facts in Chinese."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.caption.facts import Facts, Mention
from assistant.dialogue.durations import spoken_remaining
from assistant.dialogue.numbers import spoken_count
from assistant.dialogue.replies import joined
from assistant.vision.colors import COLORS
from assistant.vision.labels import counted, name_of

_BLINDED = {"dark": "太暗了", "bright": "太亮了"}
_PLACES = {"left": "左边", "middle": "中间", "right": "右边"}

BEGINNINGS = ("我看到", "我觉得好像有", "我觉得", "看起来像", "太暗了，", "太亮了，", "我没有看到认得出来的东西。")
"""What sentences begin with."""


def describe(facts: Facts, age_s: float | None) -> str:
    """One or two sentences; with the age when that is given. A tag is said if its kind has a Chinese name."""
    lead = f"{spoken_remaining(age_s, 'zh')}前，" if age_s is not None else ""
    if facts.blinded is not None:
        return f"{lead}{_BLINDED[facts.blinded]}，我什么都看不清。"
    if not (_anything(facts) or facts.tag_class):
        return f"{lead}我没有看到认得出来的东西。"
    sentences = []
    if facts.sure or facts.names:
        sentences.append(f"{lead}我看到{_with_names(facts.names, facts.sure)}。")
        sentences += [
            f"其中{spoken_count(mention.facing, 'zh')}个面朝我。"
            for mention in facts.sure
            if 0 < mention.facing < mention.count
        ]
        lead = ""
    if facts.doubtful_names:
        sentences.append(f"{lead}我觉得好像有{joined([*facts.doubtful_names], 'zh')}。")
        lead = ""
    if facts.doubtful:
        sentences.append(f"{lead}我觉得{_enumerate(facts.doubtful, loose_has_verb=True)}。")
        lead = ""
    if facts.tag_class:
        sentences.append(f"{lead}看起来像{counted(facts.tag_class, 'zh', 1)}。")
    return "".join(sentences)


def _anything(facts: Facts) -> bool:
    return bool(facts.sure or facts.doubtful or facts.names or facts.doubtful_names)


def _with_names(names: Sequence[str], mentions: Sequence[Mention]) -> str:
    """安娜和小明，还有一个人, 安娜，左边还有一个人."""
    parts = [joined([*names], "zh")] if names else []
    if mentions:
        text = _enumerate(mentions, loose_has_verb=bool(names))
        parts.append(f"还{text}" if text.startswith("有") else text)
    return "，".join(parts)


def _enumerate(mentions: Sequence[Mention], *, loose_has_verb: bool = False) -> str:
    """What has no place first, in one list (两个人和一张沙发), then place by place (左边有一只狗)."""
    placed = [mention for mention in mentions if not mention.on]
    loose = [mention for mention in placed if mention.place is None]
    parts = [f"{_verb(loose) if loose_has_verb else ''}{_list(loose)}"] if loose else []
    for place, name in _PLACES.items():
        here = [mention for mention in placed if mention.place == place]
        if here:
            parts.append(f"{name}{_verb(here)}{_list(here)}")
    for surface in dict.fromkeys(mention.on for mention in mentions if mention.on):
        here = [mention for mention in mentions if mention.on == surface]
        parts.append(f"{name_of(surface, 'zh', 1)}上{_verb(here)}{_list(here)}")
    return "，".join(parts)


def _verb(mentions: Sequence[Mention]) -> str:
    """还有 only where all of them add to what was said before."""
    return "还有" if all(mention.more for mention in mentions) else "有"


def _list(mentions: Sequence[Mention]) -> str:
    return joined([_phrase(mention) for mention in mentions], "zh")


def _phrase(mention: Mention) -> str:
    """两只狗, 一个面朝我的人."""
    text = counted(mention.label, "zh", mention.count)
    noun = name_of(mention.label, "zh", mention.count)
    if mention.color:
        return f"{text.removesuffix(noun)}{COLORS[mention.color]}的{noun}"
    return f"{text.removesuffix(noun)}面朝我的{noun}" if mention.facing == mention.count else text
