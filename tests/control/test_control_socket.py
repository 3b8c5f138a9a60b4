"""The control socket on real Unix sockets: what is answered, who is let in, and that nothing that comes in harms it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from assistant.config import Config, ControlConfig
from assistant.control.address import NAME, SERVICE_SOCKET, known_sockets, own_socket, sockets_beside
from assistant.control.client import ask_at
from assistant.control.instance import only_instance
from assistant.control.peers import Peer, may_command
from assistant.control.protocol import MAX_LINE_BYTES, Done, Mute, Ping, Pong, Request, Result, Say, Volume
from assistant.control.server import ControlServer
from assistant.errors import (
    AlreadyRunningError,
    ConfigError,
    ControlError,
    ModelMissingError,
    NotRunningError,
)
from tests.doubles.nobody import as_nobody

Talk = Callable[[Path], Awaitable[Any]]


async def carry_out(request: Request) -> Result:
    """Stands in for the assistant."""
    if isinstance(request, Mute):
        raise ModelMissingError("It is not there.", remedy="Pull it.")
    if isinstance(request, Volume):
        raise ZeroDivisionError("a bug")
    return Pong(pid=os.getpid()) if isinstance(request, Ping) else Done()


def serving(folder: Path, talk: Talk, *, idle_s: float = 30.0) -> Any:
    """What `talk` returns, given the path of a socket at which a server answers meanwhile."""

    async def main() -> Any:
        path = folder / NAME
        async with anyio.create_task_group() as group:
            await group.start(ControlServer(path, carry_out, idle_s=idle_s).serve)
            with anyio.fail_after(60):
                result = await talk(path)
            group.cancel_scope.cancel()
        return result

    return anyio.run(main)


async def exchange(path: Path, *lines: bytes) -> list[dict[str, Any]]:
    """The answers to lines that are sent over one connection."""
    return await anyio.to_thread.run_sync(_exchange, path, b"".join(line + b"\n" for line in lines))


def _exchange(path: Path, sent: bytes) -> list[dict[str, Any]]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        with contextlib.suppress(BrokenPipeError):  # it was sent away before it had said all
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        received = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65_536):
                received += chunk
    return [json.loads(line) for line in received.splitlines()]


def pings(path: Path) -> bool:
    return ask_at([path], Ping(), Pong).pid == os.getpid()


async def still_answers(path: Path) -> bool:
    for _ in range(10):
        with contextlib.suppress(ControlError):  # on a busy machine one is hung up on before one has asked
            return await anyio.to_thread.run_sync(pings, path)
    return False


# What is answered


def test_requests_are_answered_in_order_over_one_connection(tmp_path: Path) -> None:
    async def talk(path: Path) -> list[dict[str, Any]]:
        return await exchange(
            path,
            b'{"version":1,"command":"ping"}',
            '{"version": 1, "command": "say", "text": "你好", "language": "zh"}'.encode(),
        )

    first, second = serving(tmp_path, talk)
    assert first == {"version": 1, "ok": True, "result": {"pid": os.getpid()}}
    assert second == {"version": 1, "ok": True, "result": {}}


@pytest.mark.parametrize(
    ("line", "code", "named"),
    [
        (b"hello", "malformed", "JSON"),
        (b" ", "malformed", "JSON"),
        (b"[1]", "malformed", "object"),
        (b'"ping"', "malformed", "object"),
        (b"\xff\xfe{", "malformed", "JSON"),
        (b"[" * 10_000, "malformed", "JSON"),
        (b'{"command":"ping"}', "version", "no version"),
        (b'{"version":2,"command":"ping"}', "version", "version 2"),
        (b'{"version":"1","command":"ping"}', "version", '"1"'),
        (b'{"version":true,"command":"ping"}', "version", "true"),
        (b'{"version":1}', "unknown_command", "null"),
        (b'{"version":1,"command":"shutdown"}', "unknown_command", "ping, status"),
        (b'{"version":1,"command":["ping"]}', "unknown_command", "ping"),
        (b'{"version":1,"command":"ping","extra":1}', "invalid", "extra"),
        (b'{"version":1,"command":"say"}', "invalid", "text"),
        (b'{"version":1,"command":"say","text":""}', "invalid", "text"),
        (b'{"version":1,"command":"say","text":5}', "invalid", "text"),
        (b'{"version":1,"command":"say","text":"a","language":"fr"}', "invalid", "language"),
        (b'{"version":1,"command":"say","text":"\\ud800"}', "invalid", "text"),
        (b'{"version":1,"command":"volume","volume":2}', "invalid", "volume"),
        (b'{"version":1,"command":"volume","volume":NaN}', "invalid", "volume"),
        (b'{"version":1,"command":"volume","volume":"loud"}', "invalid", "volume"),
        (b'{"version":1,"command":"mute"}', "model_missing", "not there"),
        (b'{"version":1,"command":"volume","volume":1}', "internal", "logs"),
    ],
)
def test_what_is_wrong_is_named_and_the_connection_goes_on(tmp_path: Path, line: bytes, code: str, named: str) -> None:
    async def talk(path: Path) -> list[dict[str, Any]]:
        return await exchange(path, line, b'{"version":1,"command":"ping"}')

    refused, answered = serving(tmp_path, talk)
    assert refused["ok"] is False
    assert refused["error"]["code"] == code
    assert named in refused["error"]["message"] + refused["error"]["remedy"]
    assert answered["ok"] is True


def test_the_client_raises_what_was_raised_there(tmp_path: Path) -> None:
    async def talk(path: Path) -> None:
        with pytest.raises(ModelMissingError, match="not there") as raised:
            await anyio.to_thread.run_sync(ask_at, [path], Mute(), Done)
        assert raised.value.remedy == "Pull it."
        with pytest.raises(ControlError):
            await anyio.to_thread.run_sync(ask_at, [path], Say.model_construct(text=""), Done)

    serving(tmp_path, talk)


# Garbage


def _garbage(seed: int) -> bytes:
    chance = random.Random(seed)
    good = b'{"version":1,"command":"say","text":"hello"}\n'
    match seed % 4:
        case 0:
            return chance.randbytes(chance.randrange(1, 3 * MAX_LINE_BYTES))
        case 1:
            return b"a" * chance.randrange(MAX_LINE_BYTES, 5 * MAX_LINE_BYTES)
        case 2:  # one byte of a good request is another
            place = chance.randrange(len(good))
            return good[:place] + chance.randbytes(1) + good[place + 1 :]
        case _:
            return good[: chance.randrange(1, len(good))]


def test_garbage_of_every_kind_harms_nobody(tmp_path: Path) -> None:
    async def throw(path: Path, seed: int) -> None:
        chance = random.Random(seed)
        try:
            async with await anyio.connect_unix(path) as stream:
                await stream.send(_garbage(seed))
                if chance.random() < 0.5:
                    await stream.receive()
        except (anyio.BrokenResourceError, anyio.EndOfStream, OSError):
            pass  # it hung up

    async def talk(path: Path) -> bool:
        for start in range(0, 200, 8):
            async with anyio.create_task_group() as group:
                for seed in range(start, start + 8):
                    group.start_soon(throw, path, seed)
        return await still_answers(path)

    assert serving(tmp_path, talk, idle_s=0.1)


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    async def talk(path: Path) -> list[dict[str, Any]]:
        return await exchange(path, b"a" * (MAX_LINE_BYTES + 1))

    (refused,) = serving(tmp_path, talk)
    assert refused["error"]["code"] == "malformed"
    assert str(MAX_LINE_BYTES) in refused["error"]["message"]


def test_half_open_connections_are_ended_and_too_many_are_sent_away(tmp_path: Path) -> None:
    async def talk(path: Path) -> list[bytes]:
        streams = [await anyio.connect_unix(path) for _ in range(17)]
        answers = []
        for stream in streams:
            async with stream:
                try:
                    answers.append(await stream.receive())  # nothing was asked: it is ended in time
                except anyio.EndOfStream:
                    answers.append(b"")
        assert await still_answers(path)
        return answers

    answers = serving(tmp_path, talk, idle_s=2.0)
    busy = [json.loads(answer) for answer in answers if answer]
    assert [answer["error"]["code"] for answer in busy] == ["busy"]


def test_a_client_that_takes_no_answers_does_not_hold_up_others(tmp_path: Path) -> None:
    async def talk(path: Path) -> bool:
        async with await anyio.connect_unix(path) as stream:
            with anyio.move_on_after(1):  # until the buffers of both directions are full
                while True:
                    await stream.send(b'{"version":1,"command":"ping"}\n' * 1000)
            return await still_answers(path)

    assert serving(tmp_path, talk)


# Who is let in


def test_root_the_own_user_and_the_group_may_command() -> None:
    nobody = Peer(1, 65534, 65534)
    assert may_command(Peer(1, 0, 0), socket_gid=4711)
    assert may_command(Peer(1, os.geteuid(), 4712), socket_gid=4711)
    assert may_command(Peer(1, 65534, 4711), socket_gid=4711)
    assert not may_command(nobody, socket_gid=4711)
    assert not may_command(Peer(1, 999_999, 999_999), socket_gid=4711), "a user without a name"


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own, and the temporary ones in them, are its user's."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


_ASKS = """
import grp, os, sys
from pathlib import Path
from assistant.control.client import ask_at
from assistant.control.protocol import Ping, Pong
os.setgroups([]); os.setgid({gid}); os.setuid(65534)
try:
    print(ask_at([Path(sys.argv[1])], Ping(), Pong))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="Only root can become somebody else.")
@pytest.mark.parametrize(("gid", "answer"), [(4711, "pid="), (65534, "NotRunningError You may not talk")])
def test_another_user_needs_the_socket_s_group(public: Path, gid: int, answer: str) -> None:
    async def talk(path: Path) -> str:
        os.chown(path, 0, 4711)
        command = [sys.executable, "-c", _ASKS.format(gid=gid), str(path)]
        result = await anyio.run_process(command, stderr=subprocess.STDOUT, check=False)
        return result.stdout.decode()

    assert answer in serving(public, talk)


@pytest.mark.skipif(os.getuid() != 0, reason="Only root can become somebody else.")
def test_the_kernel_s_word_counts_also_where_the_file_s_mode_lets_in(public: Path) -> None:
    async def talk(path: Path) -> str:
        os.chmod(path, 0o666)  # noqa: PTH101 (no disk is waited for)
        command = [sys.executable, "-c", _ASKS.format(gid=65534), str(path)]
        return (await anyio.run_process(command, stderr=subprocess.STDOUT, check=False)).stdout.decode()

    assert "ControlError Only root" in serving(public, talk)


def test_the_socket_is_for_its_owner_and_group(tmp_path: Path) -> None:
    async def talk(path: Path) -> int:
        return stat.S_IMODE(os.stat(path).st_mode)  # noqa: PTH116 (no disk is waited for)

    assert serving(tmp_path, talk) == 0o660


# Where it is, and whose


def test_the_place_comes_from_the_configuration_then_systemd_then_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, service = tmp_path / "session", tmp_path / "service"
    session.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(session))
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    assert own_socket(Config()) == session / NAME
    assert known_sockets(Config()) == (session / NAME, SERVICE_SOCKET)
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{service}:{tmp_path}/other")
    assert own_socket(Config()) == service / NAME
    chosen = Config(control=ControlConfig(socket=tmp_path / "mine" / "a.sock"))
    assert own_socket(chosen) == tmp_path / "mine" / "a.sock"
    assert known_sockets(chosen) == (tmp_path / "mine" / "a.sock",)
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o700


def test_nobody_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError, match=r"nobody listens at .*a\.sock") as raised:
        ask_at([tmp_path / "a.sock"], Ping(), Pong)
    assert "assistant run" in str(raised.value.remedy)


def test_a_second_instance_is_told_who_holds_the_socket(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with (
        only_instance(path),
        pytest.raises(AlreadyRunningError, match=f"process {os.getpid()} holds"),
        only_instance(path),
    ):
        pass
    with only_instance(path):
        pass  # free again


def test_beside_the_service_it_is_told_that_both_would_answer(tmp_path: Path) -> None:
    service, own = tmp_path / "service" / NAME, tmp_path / NAME
    with only_instance(own, [service]):
        pass  # it is not installed
    service.parent.mkdir()
    with (
        only_instance(service),
        pytest.raises(AlreadyRunningError, match=f"process {os.getpid()} holds .*both would answer"),
        only_instance(own, [service]),
    ):
        pass
    with only_instance(own, [service]):
        pass  # it has ended


def test_beside_a_service_whose_folder_is_closed_to_this_user_it_is_told_too(tmp_path: Path) -> None:
    service, own = tmp_path / "service" / NAME, tmp_path / NAME
    service.parent.mkdir(mode=0)
    with as_nobody(), pytest.raises(AlreadyRunningError, match=r"another user holds .*both would answer"):
        only_instance(own, [service]).__enter__()


def test_the_service_and_who_was_given_a_socket_may_run_beside_others(tmp_path: Path) -> None:
    assert sockets_beside(Config(), tmp_path / NAME) == (SERVICE_SOCKET,)
    assert sockets_beside(Config(), SERVICE_SOCKET) == ()
    mine = tmp_path / "mine.sock"
    assert sockets_beside(Config(control=ControlConfig(socket=mine)), mine) == ()


def test_a_socket_that_a_dead_assistant_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with only_instance(path):
        assert serving(tmp_path, still_answers)
    assert not path.exists()


def test_another_file_in_its_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("precious")
    with pytest.raises(ConfigError, match="something else"), only_instance(tmp_path / NAME):
        pass
    assert (tmp_path / NAME).read_text() == "precious"


def test_a_path_that_no_socket_can_have_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"control\.socket"):
        anyio.run(ControlServer(tmp_path / ("a" * 120), carry_out).serve)
    with pytest.raises(ConfigError, match="cannot be used"), only_instance(tmp_path / "nowhere" / NAME):
        pass
