"""Several requests in one breath: "turn it up and what time is it", 声音大一点然后现在几点."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache

from assistant.ports import Intent

_JOINT = re.compile(
    r"[,.;!?…]*\s+(?:and then|and also|then|and)\b,?"
    r"|[\s,.;!?…，。；！？、]*(?:然后|还有|并且|顺便|再(?![见会])|和)[，,]?"
    r"|[,.;!?…]+\s+|[，。；！？…]+\s*",
    re.IGNORECASE,
)
"""What may join two requests: a word, or only the comma or full stop that a recogniser writes for a pause."""
_MAX_JOINTS = 4
"""Whoever joins more tells a story, and looking at all of it would take long."""

SOCIAL = frozenset({"greet", "thanks", "how_are_you"})
"""Intents that give way when the same utterance also asks for something."""
_ALONE = SOCIAL | {"stop"}
"""Intents that are half of nothing: "stop" means everything, and 狗了 (in 猫和狗了吗) sounds like 够了."""


def several_requests(text: str, understand: Callable[[str], Intent | None]) -> Intent | None:
    """The first request with those after it in its `then`, if `text` is several that `understand` knows by themselves.

    None otherwise, and for one request in several wordings, which is meant once.
    """
    if len(_JOINT.findall(text)) > _MAX_JOINTS:
        return None
    parts = _parts(text, lru_cache(None)(understand))
    return replace(parts[0], text=text, then=tuple(parts[1:])) if len(parts) > 1 else None


def _parts(text: str, understand: Callable[[str], Intent | None]) -> list[Intent]:
    """The requests that `text` is made of, each once; none if any part of it is no request."""
    for before, after in _halves(text):
        intent = understand(before)
        if intent is None or intent.name in _ALONE:
            continue
        rest = understand(after)
        others = [rest] if rest is not None and rest.name not in _ALONE else _parts(after, understand)
        if others:
            return [intent, *(each for each in others if (each.name, each.slots) != (intent.name, intent.slots))]
    return []


def _halves(text: str) -> Iterator[tuple[str, str]]:
    """Every way to part `text` at something that may join two requests."""
    for joint in _JOINT.finditer(text):
        before, after = text[: joint.start()].strip(), text[joint.end() :].strip()
        if before and after:
            yield before, after
