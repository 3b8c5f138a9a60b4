"""Disk space, and folders that must be writable."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

from assistant.doctor.check import SERVICE_USER, Check, Patient
from assistant.errors import ConfigError
from assistant.models.store import ModelStore
from assistant.state import state_dir

_PULL_BYTES = 1_000_000_000
"""Free space that a pull of the default models needs at its peak, archives and conversions included."""
_RUN_BYTES = 50_000_000
"""Free space for what is remembered and logged."""


def examine(patient: Patient) -> Iterator[Check]:
    """Whether there is room."""
    yield _room("disk", ModelStore(patient.config.models.dir).root, _PULL_BYTES)
    try:
        folder = state_dir(patient.config)
    except ConfigError as error:
        yield Check("state", False, error.message, error.remedy or "", needed=False)
        return
    # The service's folder is closed to whoever asks, root aside.
    writable = _is_the_services(folder) if patient.is_service else os.access(folder, os.W_OK)
    user = f"{SERVICE_USER}:" if patient.is_service else "$USER"
    remedy = f"What is remembered is lost at the end. Give the folder to its user: sudo chown -R {user} {folder}"
    yield Check("state", writable, f"{folder} is {'writable' if writable else 'not writable'}", remedy, needed=False)
    yield _room("state's disk", folder, _RUN_BYTES)


def _is_the_services(folder: Path) -> bool:
    try:
        return folder.stat().st_uid == pwd.getpwnam(SERVICE_USER).pw_uid
    except KeyError:  # there is no such user, which `permissions` tells
        return False


def _room(name: str, path: Path, needed_bytes: int) -> Check:
    parent = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(parent).free
    return Check(name, free > needed_bytes, f"{free / 1e9:.1f} GB free at {parent}", "Free some space.", needed=False)
