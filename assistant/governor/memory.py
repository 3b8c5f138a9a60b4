"""How much memory can still be had: the machine's, and that of every control group around this process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from assistant.governor.files import Files

_CGROUP_V1 = "sys/fs/cgroup/memory"
_CGROUP_V2 = "sys/fs/cgroup"


def available_bytes(files: Files) -> int | None:
    """The least of what the machine and the control groups have left; None where neither tells."""
    found = [*_of_machine(files), *_of_groups(files)]
    return round(min(found)) if found else None


def pressure(files: Files) -> float | None:
    """Share (0 to 1) of the last ten seconds in which everything waited for memory (pressure stall information)."""
    found = re.search(r"^full avg10=([\d.]+)", files.text("proc/pressure/memory") or "", re.MULTILINE)
    return float(found[1]) / 100 if found else None


def _of_machine(files: Files) -> Iterator[float]:
    found = re.search(r"^MemAvailable:\s+(\d+) kB", files.text("proc/meminfo") or "", re.MULTILINE)
    if found:
        yield float(found[1]) * 1024


def _of_groups(files: Files) -> Iterator[float]:
    """What each group that has a limit has left. The page cache that a group could drop counts as free."""
    for folder, limits, used, cache in _groups(files):
        given = [limit for name in limits if (limit := files.number(f"{folder}/{name}")) is not None]
        taken = files.number(f"{folder}/{used}")
        if given and taken is not None:
            droppable = re.search(rf"^{cache} (\d+)", files.text(f"{folder}/memory.stat") or "", re.MULTILINE)
            yield max(0.0, min(given) - taken + (float(droppable[1]) if droppable else 0.0))


def _groups(files: Files) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """Our control group and its parents: folder, files with limits, file with the use, name of the droppable cache."""
    for line in (files.text("proc/self/cgroup") or "").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        inside = PurePosixPath(path.lstrip("/"))
        for group in (inside, *inside.parents):
            if not controllers:
                yield f"{_CGROUP_V2}/{group}", ("memory.max", "memory.high"), "memory.current", "inactive_file"
            elif "memory" in controllers.split(","):
                folder = f"{_CGROUP_V1}/{group}"
                yield folder, ("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"
