"""Asks the running assistant, for the commands of `assistant`."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from assistant import errors
from assistant.config import Config
from assistant.control.address import known_sockets
from assistant.control.protocol import Request, Result
from assistant.control.server import code_of
from assistant.errors import AssistantError, ConfigError, ControlError, NotRunningError
from assistant.settings import load_config

_START = "Start it with `assistant run`, or the service with `sudo systemctl start edge-assistant`."
_LOGS = "Its terminal, or `assistant logs`,"
_CHUNK_BYTES = 65_536
_BY_CODE: dict[str, type[AssistantError]] = {
    code_of(kind("")): kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, AssistantError)
}

ResultT = TypeVar("ResultT", bound=Result)


def ask(
    request: Request, expected: type[ResultT], config_path: Path | None = None, *, timeout_s: float = 10
) -> ResultT:
    """Have the running assistant carry out a request.

    A configuration that is wrong is no obstacle: the usual places are tried then. One that was named and is not there
    is a `ConfigError`, for another assistant may be meant. Raises `NotRunningError` when there is none or this user may
    not ask it, `ControlError` when it does not answer or refuses, and what went wrong there as what it was: a wrong
    configuration is a `ConfigError` here too.
    """
    try:
        places = known_sockets(load_config(config_path))
    except ConfigError:
        if config_path is not None and _is_missing(config_path):
            raise
        places = known_sockets(Config())
    return ask_at(places, request, expected, timeout_s=timeout_s)


def _is_missing(path: Path) -> bool:
    """Whether there is no such file; one that this user may not look at is there."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass
    return False


def ask_at(places: Iterable[Path], request: Request, expected: type[ResultT], *, timeout_s: float = 10) -> ResultT:
    """The same, of the assistant that listens at the first of `places`."""
    deadline_s = time.monotonic() + timeout_s
    with _connected(tuple(places), timeout_s) as connection:
        try:
            with suppress(BrokenPipeError):  # one that sends us away says why before it is asked
                connection.sendall(request.model_dump_json().encode() + b"\n")
            line = _line(connection, deadline_s)
        except TimeoutError:
            raise ControlError(
                f"The running assistant did not answer within {timeout_s:g} s.", remedy=f"{_LOGS} may say why."
            ) from None
        except OSError as error:
            raise ControlError(f"The running assistant hung up: {error.strerror}.") from error
    return _result(line, expected)


def _connected(places: tuple[Path, ...], timeout_s: float) -> socket.socket:
    for path in places:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
        except PermissionError:
            connection.close()
            raise _forbidden(path) from None
        except OSError:  # not there, or left behind by one that is dead, or no path for a socket
            connection.close()
        else:
            return connection
    shown = " or ".join(str(path) for path in places)
    raise NotRunningError(f"No assistant is running: nobody listens at {shown}.", remedy=_START)


def _forbidden(path: Path) -> NotRunningError:
    try:
        group = path.group()
    except (OSError, KeyError):
        group = "edge-assistant"
    return NotRunningError(
        f"You may not talk to the assistant that listens at {path}.",
        remedy=f"Use sudo, or join its group and log in again: sudo usermod -aG {group} $USER",
    )


def _line(connection: socket.socket, deadline_s: float) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        connection.settimeout(max(0.001, deadline_s - time.monotonic()))
        chunk = connection.recv(_CHUNK_BYTES)
        if not chunk:
            raise ControlError("The running assistant ended before it answered.", remedy=f"{_LOGS} may say why.")
        received += chunk
    return bytes(received)


def _result(line: bytes, expected: type[ResultT]) -> ResultT:
    try:
        answer: dict[str, Any] = json.loads(line)
        if answer["ok"]:
            return expected.model_validate(answer["result"])
        code, message, remedy = (str(answer["error"][key]) for key in ("code", "message", "remedy"))
    except (ValueError, KeyError, TypeError, ValidationError):
        raise ControlError(
            "The running assistant answered what this version does not understand.",
            remedy="Use the `assistant` command of the same installation, or restart the service after an update.",
        ) from None
    kind = _BY_CODE.get(code, ControlError)
    raise kind(message, remedy=remedy or None)
