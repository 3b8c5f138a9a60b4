"""Microphone and speaker, with a second of listening."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.audio import sound_devices
from assistant.doctor import running
from assistant.doctor.check import Check, Patient
from assistant.doctor.level import listen
from assistant.errors import AssistantError


def examine(patient: Patient) -> Iterator[Check]:
    """Whether there is something to hear and to speak with."""
    yield from _microphone(patient)
    yield _speaker(patient)


def _microphone(patient: Patient) -> Iterator[Check]:
    wanted = patient.config.audio.input
    if wanted == "none":
        found = "switched off by the configuration"
        yield Check("microphone", False, found, 'A live conversation needs one: set audio.input = "default".')
        return
    try:
        device = sound_devices.find(wanted, "input")
    except AssistantError as error:
        yield Check("microphone", False, error.message, error.remedy or "")
        return
    yield Check("microphone", True, f"{device.name} through {device.host}")
    status = running.status(patient)
    if running.is_muted(patient, status):
        yield Check("level", True, "not measured: the assistant is muted, so the microphone stays closed")
        return
    if status is not None and status.state == "running":
        found = "the running assistant hears it" if status.health.hears else status.health.reason
        yield Check("level", status.health.hears, found, "See: assistant status")
        return
    try:
        level = listen(device)
    except AssistantError as error:
        yield Check("level", False, error.message, error.remedy or "")
        return
    trouble = level.trouble
    found = f"{level.meter}: {trouble[0]}" if trouble else level.meter
    # Someone may have the microphone muted for a reason; a room may be silent.
    yield Check("level", trouble is None, found, trouble[1] if trouble else "", needed=False)


def _speaker(patient: Patient) -> Check:
    wanted = patient.config.audio.output
    if wanted == "none":
        return Check("speaker", True, "switched off by the configuration")
    try:
        device = sound_devices.find(wanted, "output")
    except AssistantError as error:
        return Check("speaker", False, error.message, error.remedy or "", needed=False)
    return Check("speaker", True, f"{device.name} through {device.host}")
