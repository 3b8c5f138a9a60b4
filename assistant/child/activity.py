"""Tells a process that works slowly from one that waits for what never comes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import psutil


class Activity:
    """Of a process and of what it started, from now on."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._processor_s = -1.0
        self._seen_at_s = time.monotonic()

    def idle_s(self) -> float:
        """For how long it has used no processor and read nothing from a disk, as far as the calls of this can tell: to
        be asked more than once. Seconds; zero of a process that has ended, which is noticed otherwise."""
        now_s = time.monotonic()
        try:
            process = psutil.Process(self._pid)
            family = (process, *process.children(recursive=True))
            processor_s = _processor_s(family)
            works = processor_s != self._processor_s or any(_waits_for_a_disk(one.pid) for one in family)
        except psutil.NoSuchProcess:
            works = True
        else:
            self._processor_s = processor_s
        if works:
            self._seen_at_s = now_s
        return now_s - self._seen_at_s


def _processor_s(family: Iterable[psutil.Process]) -> float:
    times = [one.cpu_times() for one in family]
    return float(sum(time.user + time.system for time in times))


def _waits_for_a_disk(pid: int) -> bool:
    """Whether one of its threads does. The process's own state is that of its first thread, which may rest."""
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            state = thread.read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue  # it has ended
        if state == "D":
            return True
    return False
