"""The `assistant` command as a person or a service runs it: a process of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

import pytest

from assistant.cli import main

ROOT = Path(__file__).parents[2]
_COMMAND = [str(Path(sys.executable).with_name("assistant"))]
# What a person has configured on this machine must not change the tests.
# Nor may an assistant that runs on it be asked, or what it remembers be used.
_HOME = Path(tempfile.mkdtemp(prefix="edge-assistant-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
NEUTRAL = {
    "XDG_CONFIG_HOME": os.devnull,
    "XDG_RUNTIME_DIR": str(_HOME),
    "XDG_STATE_HOME": str(_HOME),
    "COLUMNS": "200",
    "NO_COLOR": "1",
}


def _environment(settings: Mapping[str, str] | None) -> dict[str, str]:
    # A container tells its programs that a service manager listens; then an assistant waits for its microphone.
    inherited = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
    return {**inherited, **NEUTRAL, **(settings or {})}


def assistant(
    *arguments: str | Path, env: Mapping[str, str] | None = None, timeout_s: float = 600.0
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; the first one on a machine may have to make what later ones find."""
    return subprocess.run(
        [*_COMMAND, *map(str, arguments)],
        env=_environment(env),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def typed(*arguments: str | Path, env: Mapping[str, str], capture: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a command to its end in this process, as its entry point does, which saves the start of an interpreter; its
    exit code and what it printed."""
    capture.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["assistant", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    code = ended.value.code or 0
    assert isinstance(code, int)
    return code, "".join(capture.readouterr())


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 180.0) -> None:
    """Return when `condition` holds; fail naming `what` otherwise."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"{what}: not within {timeout_s:g} s.")
        time.sleep(0.05)


class Running:
    """A command that runs while the test does something; a context manager that leaves no process behind."""

    def __init__(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> None:
        self._arguments = [*_COMMAND, *map(str, arguments)]
        self._env = _environment(env)
        self.lines: list[str] = []
        """What it printed so far, both streams."""

    def __enter__(self) -> Running:
        self._process = subprocess.Popen(
            self._arguments, env=self._env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.alive:
            self._process.kill()
        self._process.wait(10)
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip())

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str, *, times: int = 1, timeout_s: float = 180.0) -> None:
        """Return when `text` was printed so often; fail with the output otherwise, at once if the process has ended."""
        deadline_s = time.monotonic() + timeout_s
        while sum(text in line for line in list(self.lines)) < times:
            ended = not self.alive
            if ended:
                self._reader.join(10)
            if time.monotonic() > deadline_s or (ended and text not in self.output):
                raise AssertionError(f"'{text}' was not printed {times} times:\n{self.output}")
            time.sleep(0.02)

    def end(self, number: signal.Signals, timeout_s: float = 60.0) -> int:
        """Send a signal and return the exit code."""
        self._process.send_signal(number)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float = 60.0) -> int:
        """The exit code, once it has ended."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"It does not end:\n{self.output}") from None
        self._reader.join(10)
        return code
