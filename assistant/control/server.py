"""Answers on the control socket. Nothing that comes in can harm the conversation: lines are bounded, clients are few
and have little time, and what is wrong is answered, not raised."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
from anyio.abc import SocketAttribute, SocketListener, SocketStream, TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream

from assistant.control.peers import may_command, peer_of
from assistant.control.protocol import MAX_LINE_BYTES, RefusedError, Request, Result, parse, refusal, reply
from assistant.errors import AssistantError, ConfigError

_LOG = logging.getLogger(__name__)
_CLIENTS = 16
"""More than these at once are sent away."""
_IDLE_S = 30.0
"""A client that completes no request for this long is sent away."""
_WRITE_S = 5.0
"""So is one that does not take its answer."""
_CANNOT_ACCEPT_S = 0.5

Answer = Callable[[Request], Awaitable[Result]]
"""Carries out a request. May raise `AssistantError`."""


class ControlServer:
    """Listens on a Unix socket that root, the assistant's own user and the socket's group may use."""

    def __init__(self, path: Path, answer: Answer, *, idle_s: float = _IDLE_S) -> None:
        self._path = path
        self._answer = answer
        self._idle_s = idle_s
        self._clients = 0

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Answer until cancelled. Raises `ConfigError` when the socket cannot be made."""
        try:
            listener = await anyio.create_unix_listener(self._path, mode=0o660)
        except OSError as error:
            raise ConfigError(
                f"The control socket {self._path} cannot be made: {error.strerror or error}.",
                remedy="Set control.socket to a shorter path in a folder that the assistant may write to.",
            ) from error
        async with listener, anyio.create_task_group() as group:
            task_status.started()
            while True:
                group.start_soon(self._meet, await self._accept(listener))

    async def _accept(self, listener: SocketListener) -> SocketStream:
        while True:
            try:
                return await listener.accept()
            except OSError as error:  # no file descriptor is left: whoever waits, waits
                _LOG.warning("No control client can be let in: %s.", error.strerror)
                await anyio.sleep(_CANNOT_ACCEPT_S)

    async def _meet(self, stream: SocketStream) -> None:
        """Everything for one client; whatever it does, nothing is raised."""
        self._clients += 1
        try:
            async with stream:
                try:
                    await self._converse(stream)
                except RefusedError as error:
                    await _send(stream, refusal(error))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, TimeoutError, OSError):
            pass  # it has gone, or does not take its answer
        except Exception:
            _LOG.exception("A control client could not be served.")
        finally:
            self._clients -= 1

    async def _converse(self, stream: SocketStream) -> None:
        """Answer one request after the other. Raises `RefusedError` for what ends the connection."""
        if self._clients > _CLIENTS:
            raise RefusedError("busy", f"There are {_CLIENTS} clients already.", remedy="Try again in a moment.")
        self._check(stream.extra(SocketAttribute.raw_socket))
        lines = BufferedByteReceiveStream(stream)
        while True:
            try:
                with anyio.fail_after(self._idle_s):
                    line = await lines.receive_until(b"\n", MAX_LINE_BYTES)
            except (anyio.EndOfStream, anyio.IncompleteRead):
                return
            except anyio.DelimiterNotFound:
                line = b""
            if not line or len(line) > MAX_LINE_BYTES:
                raise RefusedError("malformed", f"A line is empty, or longer than {MAX_LINE_BYTES} bytes.")
            await _send(stream, await self._reply_to(line))

    def _check(self, connection: socket.socket) -> None:
        peer = peer_of(connection)
        if not may_command(peer, os.stat(self._path).st_gid):  # noqa: PTH116 (no disk is waited for)
            _LOG.warning("Process %d of user %d may not use the control socket.", peer.pid, peer.uid)
            raise RefusedError(
                "forbidden",
                "Only root, the assistant's own user and the socket's group may do that.",
                remedy="Use sudo, or have yourself added to the group.",
            )

    async def _reply_to(self, line: bytes) -> bytes:
        try:
            return reply(await self._answer(parse(line)))
        except RefusedError as error:
            return refusal(error)
        except AssistantError as error:
            return refusal(RefusedError(code_of(error), error.message, remedy=error.remedy))
        except Exception:
            _LOG.exception("A control command failed.")
            return refusal(
                RefusedError(
                    "internal",
                    "The command failed; the log says why.",
                    remedy="See its terminal, or `assistant logs`.",
                )
            )


def code_of(error: AssistantError) -> str:
    """What an error is called on the socket: "ModelMissingError" is "model_missing"."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


async def _send(stream: SocketStream, line: bytes) -> None:
    with anyio.fail_after(_WRITE_S):
        await stream.send(line)
