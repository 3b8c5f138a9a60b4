"""Where the control socket is: for the assistant that listens on it, and for the commands that look for it."""

from __future__ import annotations

import os
from pathlib import Path

from assistant.config import Config
from assistant.errors import ConfigError

NAME = "edge-assistant.sock"
SERVICE_SOCKET = Path("/run/edge-assistant") / NAME
"""Where the installed service listens: its `RuntimeDirectory`."""


def own_socket(config: Config) -> Path:
    """Where an assistant of this configuration listens; the folder is made if it is missing.

    `control.socket`, else what systemd hands a service, else the user's runtime folder. Raises `ConfigError` when the
    folder cannot be had.
    """
    from_systemd = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    path = config.control.socket or (Path(from_systemd) / NAME if from_systemd else _users_folder() / NAME)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _unusable(path, f"its folder cannot be made: {error.strerror}") from error
    if path.parent == _fallback_folder() and not _is_private(path.parent):
        raise _unusable(path, "its folder belongs to somebody else")
    return path


def known_sockets(config: Config) -> tuple[Path, ...]:
    """Where a command looks for a running assistant, first match first: the configured socket alone, else the user's
    own assistant and then the service's."""
    if config.control.socket is not None:
        return (config.control.socket,)
    folder = _users_folder()
    trusted = folder != _fallback_folder() or _is_private(folder)
    own = (folder / NAME,) if trusted else ()
    return (*own, SERVICE_SOCKET)


def sockets_beside(config: Config, own: Path) -> tuple[Path, ...]:
    """Those of others that would hear the same as the assistant that listens at `own`: the service's, unless that is
    itself the service or was given a socket."""
    return () if config.control.socket is not None or own == SERVICE_SOCKET else (SERVICE_SOCKET,)


def _users_folder() -> Path:
    """`$XDG_RUNTIME_DIR`, which a session over ssh may lack, else a folder of this user's in /tmp."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    usual = Path(runtime) if runtime else Path(f"/run/user/{os.getuid()}")
    return usual if usual.is_dir() and os.access(usual, os.W_OK) else _fallback_folder()


def _fallback_folder() -> Path:
    return Path(f"/tmp/edge-assistant-{os.getuid()}")


def _is_private(folder: Path) -> bool:
    """Whether nobody else can have put anything there: /tmp is everybody's."""
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return True
    return folder.is_dir() and not folder.is_symlink() and status.st_uid == os.getuid() and not status.st_mode & 0o077


def _unusable(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"The control socket {path} cannot be used: {reason}.",
        remedy="Set control.socket to a path in a folder that the assistant may write to.",
    )
