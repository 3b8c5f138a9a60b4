"""Facts in Chinese."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.caption.facts import Facts, Mention
from assistant.dialogue.durations import spoken_remaining
from assistant.dialogue.numbers import spoken_count
from assistant.dialogue.replies import joined
from assistant.vision.labels import counted, name_of

_PLACES = {"left": "左边", "middle": "中间", "right": "右边"}


def describe(facts: Facts, age_s: float | None) -> str:
    """One or two sentences; with the age when that is given. A tag is said if its kind has a Chinese name."""
    lead = f"{spoken_remaining(age_s, 'zh')}前，" if age_s is not None else ""
    if not (facts.sure or facts.doubtful or facts.tag_class):
        return f"{lead}我没有看到认得出来的东西。"
    sentences = []
    if facts.sure:
        sentences.append(f"{lead}我看到{_enumerate(facts.sure, loose_verb='', verb='有')}。")
        sentences += [
            f"其中{spoken_count(mention.facing, 'zh')}个面朝我。"
            for mention in facts.sure
            if 0 < mention.facing < mention.count
        ]
        lead = ""
    if facts.doubtful:
        verb = "还有" if any(mention.more for mention in facts.doubtful) else "有"
        sentences.append(f"{lead}我觉得{_enumerate(facts.doubtful, loose_verb=verb, verb=verb)}。")
        lead = ""
    if facts.tag_class:
        sentences.append(f"{lead}看起来像{counted(facts.tag_class, 'zh', 1)}。")
    return "".join(sentences)


def _enumerate(mentions: Sequence[Mention], *, loose_verb: str, verb: str) -> str:
    """What has no place first, in one list (两个人和一张沙发), then place by place (左边有一只狗)."""
    loose = [_phrase(mention) for mention in mentions if mention.place is None]
    parts = [f"{loose_verb}{joined(loose, 'zh')}"] if loose else []
    for place, name in _PLACES.items():
        here = [_phrase(mention) for mention in mentions if mention.place == place]
        if here:
            parts.append(f"{name}{verb}{joined(here, 'zh')}")
    return "，".join(parts)


def _phrase(mention: Mention) -> str:
    """两只狗, 一个面朝我的人."""
    text = counted(mention.label, "zh", mention.count)
    noun = name_of(mention.label, "zh", mention.count)
    return f"{text.removesuffix(noun)}面朝我的{noun}" if mention.facing == mention.count else text
