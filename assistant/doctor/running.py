"""What an assistant that runs says about itself: it holds the devices, so it knows better than a second look. And
whether devices may be opened at all."""

from __future__ import annotations

from assistant.control.client import ask
from assistant.control.protocol import Status, StatusResult
from assistant.doctor.check import Patient
from assistant.errors import AssistantError
from assistant.muting import MuteMemory
from assistant.state import state_dir

_TIMEOUT_S = 3.0


def status(patient: Patient) -> StatusResult | None:
    """Its status; None when none runs, or it does not answer us."""
    try:
        return ask(Status(), StatusResult, patient.config_path, timeout_s=_TIMEOUT_S)
    except AssistantError:
        return None


def is_muted(patient: Patient, found: StatusResult | None) -> bool:
    """Whether microphone and camera must stay closed: the assistant runs muted, or was muted when it ended."""
    if found is not None and found.state == "running":
        return found.health.muted
    try:
        return MuteMemory(state_dir(patient.config)).recall()
    except OSError:
        return True  # what cannot be told is on the safe side
