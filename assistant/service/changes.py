"""What differs between two configurations, and what it takes to bring it into force."""

from __future__ import annotations

from typing import Any

from assistant.config import Config
from assistant.config_schema import all_keys

LIVE = frozenset({"audio.volume"})
"""Keys that are applied while the conversation goes on."""
_PROCESS = ("control.", "state.", "service.")
"""Tables of what the process was started with: their changes hold from its next start."""


def changed_keys(old: Config, new: Config) -> list[str]:
    """The dotted paths whose values differ, in the order of the file."""
    return [path for path in all_keys() if _value(old, path) != _value(new, path)]


def after_restart(changed: list[str]) -> list[str]:
    """Those that need the whole process started anew."""
    return [path for path in changed if path.startswith(_PROCESS)]


def needs_new_assistant(changed: list[str]) -> bool:
    """Whether devices and networks have to be opened anew."""
    return bool(set(changed) - LIVE - set(after_restart(changed)))


def _value(config: Config, path: str) -> Any:
    node: Any = config
    for part in path.split("."):
        node = getattr(node, part)
    return node
