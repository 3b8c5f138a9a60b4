"""Machines with the TensorRT double: one for each version, found by name in child processes too."""

from __future__ import annotations

import functools
from typing import Any

from assistant.inference.cuda import CudaDriver
from assistant.inference.probe import DriverProbe, Gpu
from assistant.inference.stack import DeviceStack
from tests.doubles.cuda import FakeCuda
from tests.doubles.tensorrt_module import tensorrt_module


@functools.lru_cache(maxsize=16)
def fake_cuda(name: str) -> FakeCuda:
    """The GPU of a machine."""
    return FakeCuda()


def fake_stack(name: str, version: str, sm: str = "8.7", gpu: str = "Orin") -> DeviceStack:
    """A machine. `name` is the variable of this module that holds it."""

    @functools.lru_cache(maxsize=1)
    def module() -> Any:
        return tensorrt_module(version, fake_cuda(name), sm)

    def cuda() -> CudaDriver:
        return fake_cuda(name)

    return DeviceStack(f"{__name__}:{name}", lambda: DriverProbe((Gpu(gpu, sm),), "12.6"), module, cuda)


def _never() -> Any:
    raise AssertionError("TensorRT was imported on a machine without a driver: that dies by SIGSEGV")


JETPACK_6 = fake_stack("JETPACK_6", "10.3.0")
JETPACK_7 = fake_stack("JETPACK_7", "10.13.3.9")
TENSORRT_11 = fake_stack("TENSORRT_11", "11.4.0")
THOR = fake_stack("THOR", "10.3.0", sm="11.0", gpu="Thor")
NO_DRIVER = DeviceStack(
    f"{__name__}:NO_DRIVER",
    lambda: DriverProbe(problem="There is no NVIDIA driver: libcuda.so.1: cannot open shared object file."),
    _never,
    _never,
)
STACKS = {"10.3.0": JETPACK_6, "10.13.3.9": JETPACK_7, "11.4.0": TENSORRT_11}
