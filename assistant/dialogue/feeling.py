"""What is said to someone who told how they feel and asked for nothing."""

from __future__ import annotations

from assistant.events import EmotionLabel, EmotionState

_JUST_NOW_S = 1.0
_TOLD: dict[EmotionLabel, str] = {
    "happy": "told_good",
    "sad": "told_bad",
    "fear": "told_bad",
    "angry": "told_bad",
    "disgust": "told_bad",
}


def told_feeling(emotion: EmotionState | None) -> str | None:
    """The reply to someone who has just said how they feel and asked for nothing; None when nobody did."""
    if emotion is None or emotion.label is None:
        return None
    told = any(
        item.channel == "text" and item.weight > 0.5 and item.age_s is not None and item.age_s < _JUST_NOW_S
        for item in emotion.contributions
    )
    return _TOLD.get(emotion.label) if told else None
