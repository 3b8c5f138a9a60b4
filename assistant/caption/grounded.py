"""Captions that say what the detectors found and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.caption import chinese, english
from assistant.caption.facts import facts_of
from assistant.config import Config
from assistant.errors import StageError
from assistant.events import SceneCaption, SceneState

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

_DESCRIBE = {"en": english.describe, "zh": chinese.describe}


class GroundedCaptioner:
    """Counts, places and faces in one or two sentences, with "I think" before what is not sure."""

    languages = frozenset(_DESCRIBE)

    def __init__(self, *, min_confidence: float, max_age_s: float) -> None:
        """Detections below `min_confidence` are not mentioned; a scene older than `max_age_s` is named as old."""
        self._min_confidence = min_confidence
        self._max_age_s = max_age_s

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> GroundedCaptioner:
        """Takes its thresholds from the section `vision`; needs no model."""
        return cls(min_confidence=config.vision.min_confidence, max_age_s=config.vision.max_age_s)

    def caption(self, scene: SceneState, language: str, now_s: float) -> SceneCaption:
        """A caption whose confidence is the mean of what it mentions, 0 for an empty scene. Raises `StageError` for a
        language that it does not speak."""
        if language not in _DESCRIBE:
            raise StageError(f"The captioner speaks {', '.join(sorted(self.languages))}, not '{language}'.")
        age_s = max(0.0, now_s - scene.at_s)
        facts = facts_of(scene, min_confidence=self._min_confidence)
        text = _DESCRIBE[language](facts, age_s if age_s > self._max_age_s else None)
        return SceneCaption(now_s, text, language, facts.confidence, age_s)
