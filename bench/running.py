"""The assistant in a process of its own before a virtual sound card, and what it uses."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from assistant.control.client import ask_at
from assistant.control.protocol import Status, StatusResult
from assistant.errors import ControlError, NotRunningError
from bench.virtual_sound import VirtualSound

_STARTS_S = 90.0
_ASKS_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and its children use."""

    cpu_s: float
    """Processor seconds so far."""
    threads: int
    descriptors: int
    rss_bytes: int
    """Resident memory of the process itself."""
    children_rss_bytes: int
    """Of its children, shared pages counted once a process."""


class Family:
    """A process and its children."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def usage(self) -> Usage:
        """Now. Raises `psutil.Error` when the process has ended; a child that ends meanwhile uses nothing."""
        used = _usage(self._root)
        for child in self._root.children(recursive=True):
            with suppress(psutil.Error):
                own = _usage(child)
                used = Usage(
                    used.cpu_s + own.cpu_s,
                    used.threads + own.threads,
                    used.descriptors + own.descriptors,
                    used.rss_bytes,
                    used.children_rss_bytes + own.rss_bytes,
                )
        return used

    def cpu_s(self) -> float:
        """Processor seconds used so far."""
        return self.usage().cpu_s

    def rss_bytes(self) -> int:
        """Resident memory of all of them."""
        used = self.usage()
        return used.rss_bytes + used.children_rss_bytes

    def pss_bytes(self) -> int:
        """The same, with a page that several processes share divided among them. A child that ends meanwhile takes
        nothing."""
        total = int(self._root.memory_full_info().pss)
        for child in self._root.children(recursive=True):
            with suppress(psutil.Error):
                total += int(child.memory_full_info().pss)
        return total


def _usage(process: psutil.Process) -> Usage:
    """Of one alone."""
    with process.oneshot():
        cpu_s, rss = sum(process.cpu_times()[:2]), process.memory_info().rss
        return Usage(cpu_s, process.num_threads(), process.num_fds(), rss, 0)


@dataclass(frozen=True, slots=True)
class Running:
    """An assistant in a process of its own."""

    family: Family
    lines: list[str]
    """What it prints."""
    events: Path
    socket: Path
    """For control."""
    start_s: float
    """Until it heard."""

    def idle_cpu(self, seconds: float) -> float:
        """Share of a core that it uses for so long."""
        cpu_s, since_s = self.family.cpu_s(), time.monotonic()
        time.sleep(seconds)
        return (self.family.cpu_s() - cpu_s) / (time.monotonic() - since_s)


@contextmanager
def running(sound: VirtualSound, config: str, folder: Path, *, metrics_port: int = 0) -> Iterator[Running]:
    """With `config` (TOML text), once it hears; without metrics unless they have a port."""
    file, events, socket = (folder / name for name in ("assistant.toml", "events.jsonl", "control.sock"))
    own = f'[telemetry]\nevents = "{events}"\nmetrics_port = {metrics_port}\n[control]\nsocket = "{socket}"\n'
    file.write_text(f"{config}\n{own}", encoding="utf-8")
    started_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant", "run", "--config", str(file)],
        env=sound.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        lines = wait_until_it_hears(process, socket)
        yield Running(Family(process.pid), lines, events, socket, time.monotonic() - started_s)
    finally:
        process.terminate()
        process.wait(10)


def wait_until_it_hears(process: subprocess.Popen[str], socket: Path) -> list[str]:
    """Return when the assistant says at its control socket that sound has just come through its microphone and its
    voice-activity detector; the lines that it prints are added to the result. Raises `SystemExit` if it never does."""
    lines: list[str] = []

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())

    threading.Thread(target=read, daemon=True).start()
    deadline_s, reason = time.monotonic() + _STARTS_S, ""
    while process.poll() is None and time.monotonic() < deadline_s:
        try:
            health = ask_at([socket], Status(), StatusResult).health
        except (NotRunningError, ControlError) as error:
            reason = str(error)
        else:
            if health.hears:
                return lines
            reason = health.reason
        time.sleep(_ASKS_EVERY_S)
    process.kill()
    raise SystemExit(f"The assistant does not hear: {reason}\n" + "\n".join(lines[-15:]))
