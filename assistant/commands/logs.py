"""`assistant logs`: what the service has written to the journal."""

from __future__ import annotations

import os
import shutil

from assistant.doctor.check import answer_of
from assistant.errors import DependencyMissingError

_UNIT = "edge-assistant"
_OWN_TERMINAL = "An assistant that was started with `assistant run` writes to its own terminal."


def show_logs(*, follow: bool, lines: int, since: str | None) -> None:
    """Become `journalctl`. Raises `DependencyMissingError` without a journal, or a service that writes to it."""
    program = shutil.which("journalctl")
    if program is None:
        raise DependencyMissingError(
            "There is no journal on this machine: journalctl is not installed.",
            remedy=_OWN_TERMINAL,
        )
    if answer_of(["systemctl", "show", "--property=LoadState", "--value", f"{_UNIT}.service"]) in (None, "not-found"):
        raise DependencyMissingError("The service is not installed on this machine.", remedy=_OWN_TERMINAL)
    arguments = [program, f"--unit={_UNIT}", "--output=short-iso", f"--lines={lines}"]
    if follow:
        arguments.append("--follow")
    if since is not None:
        arguments.append(f"--since={since}")
    os.execv(program, arguments)
