"""What an assistant that runs says about itself: it holds the devices, so it knows better than a second look."""

from __future__ import annotations

from assistant.control.client import ask
from assistant.control.protocol import Status, StatusResult
from assistant.doctor.check import Patient
from assistant.errors import AssistantError

_TIMEOUT_S = 3.0


def status(patient: Patient) -> StatusResult | None:
    """Its status; None when none runs, or it does not answer us."""
    try:
        return ask(Status(), StatusResult, patient.config_path, timeout_s=_TIMEOUT_S)
    except AssistantError:
        return None
