"""Where the assistant keeps what it remembers between runs: small files, written atomically."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from assistant.config import Config


def state_dir(config: Config) -> Path:
    """The folder, made if it is missing: `state.dir`, else what systemd hands a service, else the user's own."""
    from_systemd = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    folder = config.state.dir or (
        Path(from_systemd) if from_systemd else platformdirs.user_state_path("edge-assistant")
    )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
