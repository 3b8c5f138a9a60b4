"""Emoji as words of feeling, the same in every language."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.emotion.lexicon import Hit
from assistant.events import EmotionLabel

_FACES: dict[EmotionLabel, dict[float, str]] = {
    "happy": {0.9: "😂🤣😍🥰🎉🥳😁", 0.75: "😀😃😄😆😊😋😎🤗😇😻❤💕💖", 0.5: "🙂😉👍✨☺😌"},
    "sad": {0.9: "😭💔", 0.75: "😢😥😿☹🙁", 0.5: "😔😞😟😪😓🥺"},
    "angry": {0.9: "🤬😡", 0.75: "😠👿💢", 0.5: "😤😒🙄"},
    "fear": {0.9: "😱", 0.75: "😨😰", 0.5: "😧😬"},
    "disgust": {0.9: "🤮", 0.75: "🤢", 0.5: "😖🥴"},
    "surprise": {0.9: "🤯", 0.75: "😲😮", 0.5: "😯😳🙀"},
    "neutral": {0.5: "😐😑😶"},
}
_BY_CHARACTER: dict[str, tuple[EmotionLabel, float]] = {
    character: (label, strength)
    for label, tiers in _FACES.items()
    for strength, characters in tiers.items()
    for character in characters
}


def emoji_hits(text: str) -> Iterator[Hit]:
    """One for each kind of emoji in the text: ten hearts are no ten feelings."""
    for character in dict.fromkeys(text):
        if character in _BY_CHARACTER:
            yield Hit((_BY_CHARACTER[character],), negated=False, person="self")
