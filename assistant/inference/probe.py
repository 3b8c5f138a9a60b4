"""Whether there is an NVIDIA driver with a GPU behind it, asked through ctypes.

This comes before any import of TensorRT: without a driver its runtime hands out objects whose first use dies by
SIGSEGV, and no `except` survives that.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_LIBRARY = "libcuda.so.1"
_NAME_BYTES = 256
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR."""
_ERRORS = {
    3: "CUDA is not initialized",
    34: "the CUDA library is a stub",
    100: "no CUDA-capable device was found",
    101: "the device is not valid",
    803: "driver and CUDA library have different versions",
    804: "the driver is too old for this CUDA library",
    999: "an unknown error, often a kernel module that is not loaded",
}


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as the driver names it."""

    name: str
    sm: str
    """Compute capability, such as "8.7"."""


@dataclass(frozen=True, slots=True)
class DriverProbe:
    """What the driver answered."""

    gpus: tuple[Gpu, ...] = ()
    cuda: str = ""
    """The newest CUDA that the driver supports, such as "12.6"."""
    problem: str = ""
    """Why there is no GPU, in words; empty if there is one."""


def probe_driver(load: Callable[[str], Any] = ctypes.CDLL) -> DriverProbe:
    """Ask the driver for its GPUs. Never raises; takes the driver's own start-up time on a machine that has one."""
    try:
        cuda = load(_LIBRARY)
    except OSError as error:
        return DriverProbe(problem=f"There is no NVIDIA driver: {error}.")
    try:
        return _ask(cuda)
    except _DriverError as error:
        return DriverProbe(problem=str(error))
    except AttributeError as error:
        return DriverProbe(problem=f"{_LIBRARY} is no CUDA driver: {error}.")


@functools.lru_cache(maxsize=1)
def system_probe() -> DriverProbe:
    """`probe_driver` once a process: a driver does not come and go while it runs."""
    return probe_driver()


class _DriverError(Exception):
    pass


def _ask(cuda: Any) -> DriverProbe:
    _check("cuInit", cuda.cuInit(0))
    count, version = ctypes.c_int(), ctypes.c_int()
    _check("cuDeviceGetCount", cuda.cuDeviceGetCount(ctypes.byref(count)))
    if count.value == 0:
        return DriverProbe(problem="The NVIDIA driver is there, but it has no GPU.")
    _check("cuDriverGetVersion", cuda.cuDriverGetVersion(ctypes.byref(version)))
    gpus = tuple(_gpu(cuda, ordinal) for ordinal in range(count.value))
    return DriverProbe(gpus, f"{version.value // 1000}.{version.value % 1000 // 10}")


def _gpu(cuda: Any, ordinal: int) -> Gpu:
    device = ctypes.c_int()
    _check("cuDeviceGet", cuda.cuDeviceGet(ctypes.byref(device), ordinal))
    name = ctypes.create_string_buffer(_NAME_BYTES)
    _check("cuDeviceGetName", cuda.cuDeviceGetName(name, _NAME_BYTES, device))
    parts = []
    for attribute in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR):
        value = ctypes.c_int()
        _check("cuDeviceGetAttribute", cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device))
        parts.append(str(value.value))
    return Gpu(name.value.decode(errors="replace"), ".".join(parts))


def _check(call: str, status: int) -> None:
    if status != 0:
        raise _DriverError(f"The NVIDIA driver refuses {call}: {_ERRORS.get(status, 'an error')} (code {status}).")
