"""How the person's mood colours a reply: a short opening now and then, and the voice's rate and pitch.

It never names the emotion (only the feelings skill does, when asked) and never touches timers and commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.dialogue.replies import phrase
from assistant.events import EmotionLabel, EmotionState
from assistant.ports import SpeakingStyle

if TYPE_CHECKING:
    from assistant.config import Config

_OPENED_INTENTS = frozenset({"scene_describe", "help", "greet", "how_are_you"})
"""Replies that are conversation rather than the confirmation of a command."""
_CHEERED_INTENTS = frozenset({"help", "greet", "how_are_you"})
"""Where good cheer is answered with cheer; who asks for something wants the answer first."""
_OPENINGS: dict[EmotionLabel, str] = {
    "sad": "opening_sad",
    "fear": "opening_fear",
    "angry": "opening_angry",
    "happy": "opening_happy",
}
_MIN_CONFIDENCE = 0.8
_TURNS_BETWEEN_OPENINGS = 4

_LEAST_SHARE, _UNSURE, _SURE = 0.25, 0.5, 0.9
"""How much of a style is used: a quarter of it at a confidence of 0.5, all of it from 0.9 on."""

_STYLES: dict[EmotionLabel, SpeakingStyle] = {
    "sad": SpeakingStyle(rate=0.93, pitch=0.98, volume=0.95),
    "fear": SpeakingStyle(rate=0.95),
    "angry": SpeakingStyle(rate=0.96, pitch=0.98, volume=0.95),
    "disgust": SpeakingStyle(rate=0.98),
    "happy": SpeakingStyle(rate=1.04, pitch=1.03),
    "surprise": SpeakingStyle(rate=1.02, pitch=1.02),
    "neutral": SpeakingStyle(),
}
"""Small steps towards the person's state for pleasant ones, away from it for unpleasant ones: calm calms."""


class Wording:
    """Adds an opening where it fits, at most once in several turns."""

    def __init__(self, config: Config) -> None:
        self._affects_reply = config.emotion.affects_reply
        self._last_opening_turn: int | None = None

    def apply(self, text: str, intent: str | None, emotion: EmotionState | None, language: str, turn_id: int) -> str:
        """`text`, perhaps with an opening before it."""
        worded = self.preview(text, intent, emotion, language, turn_id)
        if worded != text:
            self._last_opening_turn = turn_id
        return worded

    def preview(self, text: str, intent: str | None, emotion: EmotionState | None, language: str, turn_id: int) -> str:
        """What `apply` would make of `text`, without counting it as said."""
        opening = self._opening(intent, emotion)
        if opening is None or not text:
            return text
        if self._last_opening_turn is not None and turn_id - self._last_opening_turn < _TURNS_BETWEEN_OPENINGS:
            return text
        space = "" if language == "zh" else " "
        return f"{phrase(opening, language, turn_id)}{space}{text}"

    def _opening(self, intent: str | None, emotion: EmotionState | None) -> str | None:
        if not self._affects_reply or emotion is None or emotion.label is None or intent not in _OPENED_INTENTS:
            return None
        if emotion.confidence < _MIN_CONFIDENCE:
            return None
        if emotion.label == "happy" and intent not in _CHEERED_INTENTS:
            return None
        return _OPENINGS.get(emotion.label)


def speaking_style(emotion: EmotionState | None, config: Config) -> SpeakingStyle:
    """Rate, pitch and volume for a person who feels like `emotion`, around the voice's own neutral."""
    if not config.emotion.affects_reply or emotion is None or emotion.label is None:
        return SpeakingStyle()
    full = _STYLES[emotion.label]
    # The surer, the further: nobody should hear the moment at which the assistant makes up its mind.
    share = min(1.0, max(_LEAST_SHARE, (emotion.confidence - _UNSURE) / (_SURE - _UNSURE)))
    rate, pitch, volume = (1.0 + share * (target - 1.0) for target in (full.rate, full.pitch, full.volume))
    return SpeakingStyle(rate, pitch, volume)
