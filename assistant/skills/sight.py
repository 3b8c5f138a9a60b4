"""Whether the assistant sees now, and what it says when it does not."""

from __future__ import annotations

from assistant.dialogue.replies import phrase
from assistant.events import SceneState
from assistant.skills import Senses
from assistant.stages import CAMERA, SIGHT, VISION

SIGHT_STAGES = frozenset({CAMERA, VISION, SIGHT})
"""The stages without which nothing is seen."""


def cannot_see(senses: Senses, language: str) -> str:
    """Why nothing is seen now, in a sentence; empty while it sees."""
    missing = SIGHT_STAGES & senses.unavailable().keys()
    if not missing:
        return ""
    return phrase("scene_resting" if missing == {SIGHT} else "scene_no_camera", language)


def too_dark(scene: SceneState) -> bool:
    """Whether nothing can be said of a scene, not even that something is not there. A face that is found is seen."""
    return scene.dark and not scene.faces
