"""What the skills say, put together from the phrases of both languages."""

from __future__ import annotations

from assistant.dialogue.phrases import PHRASES


def phrase(key: str, language: str, turn_id: int = 0, **fields: str) -> str:
    """The reply `key` in `language` ("en" or "zh"), its braces filled from `fields`."""
    variants = PHRASES[key][language]
    return variants[turn_id % len(variants)].format_map(fields)


def failure(intent: str, language: str) -> str:
    """What is said when the skill for `intent` fails."""
    key = f"{intent}_failed"
    return phrase(key if key in PHRASES else "skill_failed", language)


def joined(parts: list[str], language: str) -> str:
    """A spoken enumeration: "a, b and c", "甲、乙和丙"."""
    comma, last = ("、", "和") if language == "zh" else (", ", " and ")
    if len(parts) < 2:
        return "".join(parts)
    return comma.join(parts[:-1]) + last + parts[-1]
