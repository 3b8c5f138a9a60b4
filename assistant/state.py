"""Where the assistant keeps what it remembers between runs: small files, written atomically."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from assistant.config import Config
from assistant.errors import ConfigError

SERVICE_STATE = Path("/var/lib/edge-assistant/state")
"""Where the installed service keeps what it remembers."""


def state_path(config: Config) -> Path:
    """The folder, which may not exist: `state.dir`, else what systemd hands a service, else the user's own."""
    from_systemd = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return config.state.dir or (Path(from_systemd) if from_systemd else platformdirs.user_state_path("edge-assistant"))


def state_dir(config: Config) -> Path:
    """The same, made if it is missing. Raises `ConfigError` when it cannot be made."""
    folder = state_path(config)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(
            f"The folder {folder}, where the assistant keeps its state, cannot be made: {error.strerror}.",
            remedy="Set state.dir to a folder that the assistant may write to.",
        ) from error
    return folder
