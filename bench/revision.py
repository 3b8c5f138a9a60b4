"""Which source a number was measured with."""

from __future__ import annotations

import subprocess
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_UNKNOWN = "unknown"


def revision() -> str:
    """The commit, with "-dirty" behind it where files differ from it; "unknown" outside a repository of git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        described = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=60, check=False)
    except OSError:  # there is no git
        return _UNKNOWN
    return described.stdout.strip() or _UNKNOWN
