"""What machine a number was measured on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_DEVICE_TREE_MODEL = Path("/proc/device-tree/model")
_CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Machine:
    """The parts of a machine that explain its speed."""

    cpu: str
    cores: int
    """Logical cores that this process may use."""
    memory_gib: float
    system: str
    python: str
    device: str | None
    """The board's own name ("NVIDIA Jetson Orin Nano …"); None on machines without a device tree."""

    def __str__(self) -> str:
        board = f"{self.device}, " if self.device else ""
        return f"{board}{self.cpu}, {self.cores} cores, {self.memory_gib:g} GiB, {self.system}, Python {self.python}"


def describe_machine() -> Machine:
    """The machine that this runs on."""
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        system=_system(),
        python=platform.python_version(),
        device=_device(),
    )


def _cpu() -> str:
    # Linux keeps the marketing name here; platform.processor() is empty or the bare architecture there.
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return f"{platform.system()} {platform.release()}"


def _device() -> str | None:
    try:
        # The device tree's strings end with a NUL.
        return _DEVICE_TREE_MODEL.read_text(encoding="utf-8", errors="replace").rstrip("\0\n") or None
    except OSError:
        return None
