"""One assistant a socket: a lock beside it that the kernel frees when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from assistant.errors import AlreadyRunningError, ConfigError


@contextmanager
def only_instance(socket: Path, beside: Sequence[Path] = ()) -> Iterator[None]:
    """Hold the lock of `socket`. Whatever lies at its path then was left by an assistant that is dead, and is removed.
    `beside` are sockets of others that would hear the same as this one: none of them may be held.

    Raises `AlreadyRunningError` naming the holder's process, if that can be looked up, and `ConfigError` where no
    socket can be.
    """
    for other in beside:
        if (holder := _holder(other)) is not None:
            raise AlreadyRunningError(
                f"An assistant is running already: {holder} holds {other}, and both would answer.",
                remedy="For the service: sudo systemctl stop edge-assistant. For a second one: set its control.socket.",
            )
    lock = _lock_of(socket)
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    except OSError as error:
        raise ConfigError(
            f"The control socket {socket} cannot be used: {lock.name}: {error.strerror}.",
            remedy="Set control.socket to a path in a folder that the assistant may write to.",
        ) from error
    try:
        _take(descriptor, socket)
        _remove_stale(socket)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
        socket.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _lock_of(socket: Path) -> Path:
    return socket.with_name(f"{socket.name}.lock")


def _holder(socket: Path) -> str | None:
    """Who holds the lock of `socket`; None if nobody does.

    A folder that this user may not enter is another user's, and is there for as long as an assistant runs in it:
    systemd removes the service's when it stops.
    """
    try:
        descriptor = os.open(_lock_of(socket), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except PermissionError:
        return "another user"
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return f"process {_number_in(descriptor)}"
    finally:
        os.close(descriptor)
    return None


def _number_in(descriptor: int) -> str:
    return os.pread(descriptor, 20, 0).decode("ascii", "replace") or "unknown"


def _take(descriptor: int, socket: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyRunningError(
            f"An assistant is running already: process {_number_in(descriptor)} holds {socket}.",
            remedy="`assistant status` shows it. End it first, or give this one another control.socket.",
        ) from None


def _remove_stale(socket: Path) -> None:
    if socket.is_socket():
        socket.unlink(missing_ok=True)
    elif os.path.lexists(socket):
        raise ConfigError(
            f"The control socket {socket} cannot be used: something else is there already.",
            remedy="Remove it, or set control.socket to another path.",
        )
