"""What signals do, to a process of its own around a service that is a double."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.doubles.command import ROOT

_SERVICE = """
import sys
import anyio
from assistant.errors import ConfigError
from assistant.service import signals

signals._END_S = 3.0 if "hang" in sys.argv else 600.0

class Service:
    def __init__(self):
        self.stopped = anyio.Event()
    def stop(self):
        print("stopped", flush=True)
        self.stopped.set()
    async def reload(self):
        print("reloaded", flush=True)
        raise ConfigError("It is wrong.")
    async def toggle_mute(self):
        print("toggled", flush=True)
        if "broken" in sys.argv:
            raise RuntimeError("It is broken.")

async def main():
    service = Service()
    async with anyio.create_task_group() as group:
        save = lambda: print("saved", flush=True)
        await group.start(signals.handle_signals, service, group, save, service.toggle_mute)
        print("ready", flush=True)
        await service.stopped.wait()
        if "hang" in sys.argv:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(60)
        group.cancel_scope.cancel()

anyio.run(main)
print("ended", flush=True)
"""


@contextmanager
def service(*arguments: str, stdin: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVICE, *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with process:
        assert said(process) == "ready"
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """The next line."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_measured_is_kept_before_anything_is_closed(number: signal.Signals) -> None:
    with service() as process:
        process.send_signal(number)
        assert [said(process) for _ in range(3)] == ["saved", "stopped", "ended"]
        assert process.wait(30) == 0


def test_a_device_that_hangs_while_it_is_closed_does_not_hold_up_the_end() -> None:
    with service("hang") as process:
        process.send_signal(signal.SIGTERM)
        assert [said(process) for _ in range(2)] == ["saved", "stopped"]
        assert "hangs" in said(process)
        assert process.wait(30) == 0


def test_a_hangup_reloads_a_service_and_a_wrong_configuration_ends_nothing() -> None:
    with service() as process:
        for _ in range(2):
            process.send_signal(signal.SIGHUP)
            assert said(process) == "reloaded"
        process.send_signal(signal.SIGUSR1)
        assert said(process) == "toggled"
        process.send_signal(signal.SIGTERM)
        assert said(process) == "saved"


def test_what_breaks_while_a_signal_is_carried_out_is_logged_and_ends_nothing() -> None:
    with service("broken") as process:
        process.send_signal(signal.SIGUSR1)
        assert said(process) == "toggled"
        assert "could not be carried out" in said(process)
        while said(process) != "RuntimeError: It is broken.":
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert said(process) == "saved"


def test_a_terminal_that_closes_ends_what_runs_in_it() -> None:
    master, terminal = pty.openpty()
    try:
        with service(stdin=terminal) as process:
            process.send_signal(signal.SIGHUP)
            assert said(process) == "saved"
            assert process.wait(30) == 0
    finally:
        os.close(master)
        os.close(terminal)
