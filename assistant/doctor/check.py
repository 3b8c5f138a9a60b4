"""What a topic finds out."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.config import Config
from assistant.settings import SYSTEM_FILE

SERVICE_USER = "edge-assistant"
_PROGRAM_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
    needed: bool = True
    """Whether the assistant cannot run without it."""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined."""

    config: Config
    config_path: Path | None = None
    root: Path = Path("/")
    """Where the machine's files are."""

    @property
    def is_service(self) -> bool:
        """Whether it is the installed service: what that may use counts then, not what whoever asks may."""
        return self.config_path == SYSTEM_FILE


def answer_of(command: Sequence[str], timeout_s: float = _PROGRAM_TIMEOUT_S) -> str | None:
    """What a program prints; None when it is not there, fails or hangs."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
