"""The first stage: a cheap network that hears every frame, so that the recogniser is asked only after it has fired."""

from __future__ import annotations

from assistant.config import Config
from assistant.models.store import ModelStore
from assistant.ports import WakeWordDetector
from assistant.registry import resolve
from assistant.wake import FIRST_STAGES


def open_first_stage(config: Config, models: ModelStore) -> WakeWordDetector | None:
    """The network that `wake.first_stage` names; None where the recogniser is asked about any speech. Raises
    `ConfigError` for a phrase that it does not know."""
    if config.wake.first_stage == "vad":
        return None
    backend = resolve(FIRST_STAGES, config.wake.first_stage, kind="first stage")
    first_stage: WakeWordDetector = backend.create(config, models)
    return first_stage
