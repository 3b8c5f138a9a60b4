"""Two requests in one breath: "turn it up and what time is it", 声音大一点然后现在几点."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from assistant.ports import Intent

_JOINT = re.compile(
    r"[,.;!?…]*\s+(?:and then|and also|then|and)\b,?"
    r"|[\s,.;!?…，。；！？、]*(?:然后|还有|并且|顺便|再(?![见会])|和)[，,]?|，",
    re.IGNORECASE,
)
"""What may join two requests. A Chinese comma does alone, for so recognisers write a pause between them."""
_MAX_JOINTS = 4
"""Whoever joins more tells a story, and looking at all of it would take long."""

SOCIAL = frozenset({"greet", "thanks", "how_are_you"})
"""Intents that give way when the same utterance also asks for something."""
_ALONE = SOCIAL | {"stop"}
"""Intents that are half of nothing: "stop" means everything, and 狗了 (in 猫和狗了吗) sounds like 够了."""


def two_requests(text: str, understand: Callable[[str], Intent | None]) -> Intent | None:
    """The first of two requests with the second in its `then`, if `text` is two that `understand` knows by themselves.

    None otherwise, and for one request in two wordings, which is meant once.
    """
    for halves in _halves(text):
        by_half: dict[str, Intent] = {}
        for half in sorted(halves, key=len):  # what is long takes long
            intent = understand(half)
            if intent is None or intent.name in _ALONE:
                break
            by_half[half] = intent
        else:
            first, second = (by_half[half] for half in halves)
            if (first.name, first.slots) != (second.name, second.slots):
                return replace(first, text=text, then=(second,))
    return None


def _halves(text: str) -> Iterator[tuple[str, str]]:
    """Every way to part `text` at something that may join two requests."""
    joints = list(_JOINT.finditer(text))
    if len(joints) <= _MAX_JOINTS:
        for joint in joints:
            before, after = text[: joint.start()].strip(), text[joint.end() :].strip()
            if before and after:
                yield before, after
