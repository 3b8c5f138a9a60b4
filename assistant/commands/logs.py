"""`assistant logs`: what the service has written to the journal."""

from __future__ import annotations

import os
import shutil

from assistant.errors import DependencyMissingError

_UNIT = "edge-assistant"


def show_logs(*, follow: bool, lines: int, since: str | None) -> None:
    """Become `journalctl`. Raises `DependencyMissingError` where there is no journal."""
    program = shutil.which("journalctl")
    if program is None:
        raise DependencyMissingError(
            "There is no journal on this machine: journalctl is not installed.",
            remedy="An assistant that was started with `assistant run` writes to its own terminal.",
        )
    arguments = [program, f"--unit={_UNIT}", "--output=short-iso", f"--lines={lines}"]
    if follow:
        arguments.append("--follow")
    if since is not None:
        arguments.append(f"--since={since}")
    os.execv(program, arguments)
