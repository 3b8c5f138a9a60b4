"""What an engine needs from the machine: a driver to ask, TensorRT's Python module, and CUDA calls.

This is the seam for other bindings of the same API: `DeviceStack` is found by its name, "module:attribute", so the
child processes that build engines use the same one.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from assistant.inference.cuda import CUDA_DRIVERS, CudaDriver, CudaError
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.inference.probe import DriverProbe, Gpu, system_probe
from assistant.registry import install_extra, resolve

_OLDEST_MAJOR = {"tensorrt": 10, "tensorrt_rtx": 1}
"""TensorRT's Python modules by preference, and the oldest major version of each whose API this backend speaks. A Jetson
has the first; TensorRT-RTX comes from the package index, for the GPU of a workstation."""
_SYSTEM_PACKAGES = (
    "Install TensorRT (on a Jetson: sudo apt-get install nvidia-jetpack) and what calls CUDA. "
    f"{install_extra('tensorrt')}. That environment must see the system's: --system-site-packages."
)


@dataclass(frozen=True, slots=True)
class DeviceStack:
    """The outside world of the TensorRT backend."""

    name: str
    """Where another process finds it: "module:attribute"."""
    probe: Callable[[], DriverProbe]
    import_tensorrt: Callable[[], Any]
    """The module. Raises `EngineError` where it cannot be had. Called only after `probe` has found a GPU."""
    open_cuda: Callable[[], CudaDriver]
    """Raises `EngineError`."""

    def gpu(self) -> Gpu:
        """The GPU that engines are built for and run on: the first. Raises `EngineError` if there is none."""
        probe = self.probe()
        if probe.problem:
            raise EngineError(
                FallbackReason.NO_DRIVER, probe.problem, remedy="Engines are built on the device that will run them."
            )
        return probe.gpus[0]

    def tensorrt(self) -> Any:
        """TensorRT's module, imported only once a GPU was found. Raises `EngineError`."""
        gpu = self.gpu()
        module = self.import_tensorrt()
        oldest = _OLDEST_MAJOR[module.__name__]
        if int(module.__version__.split(".")[0]) < oldest:
            raise EngineError(
                FallbackReason.TENSORRT_TOO_OLD,
                f"TensorRT {tensorrt_version(module)} is too old: expected {oldest} or later.",
                remedy="JetPack 6 has 10.3.",
            )
        if module.__name__ == "tensorrt_rtx" and not _has_kernels(module, gpu):
            # It would build every engine, and refuse each when it is loaded.
            raise EngineError(
                FallbackReason.NO_TENSORRT,
                f"TensorRT {tensorrt_version(module)} has no kernels for {gpu.name} (compute capability {gpu.sm}).",
                remedy="Install TensorRT itself, which has. In the clone of this project: "
                ".venv/bin/pip install tensorrt; for the service, after each upgrade: "
                "sudo /opt/edge-assistant/current/bin/pip install tensorrt",
            )
        return module

    def cuda(self) -> CudaDriver:
        """A CUDA driver for the first GPU. Raises `EngineError`."""
        self.gpu()
        return self.open_cuda()


def find_stack(name: str) -> DeviceStack:
    """The stack that another process calls `name`."""
    module, _, attribute = name.partition(":")
    return cast(DeviceStack, getattr(importlib.import_module(module), attribute))


def tensorrt_version(module: Any) -> str:
    """Its full version, such as "10.3.0" or "RTX 1.7.1.116": neither runs the other's engines."""
    flavour = "RTX " if module.__name__ == "tensorrt_rtx" else ""
    return f"{flavour}{module.__version__}"


def _has_kernels(rtx: Any, gpu: Gpu) -> bool:
    """Whether TensorRT-RTX knows the GPU's compute capability; a release that does not list them is believed to."""
    known = getattr(rtx, "ComputeCapability", None)
    return known is None or hasattr(known, f"SM{gpu.sm.replace('.', '')}")


def _import_tensorrt() -> Any:
    problems = []
    for name in _OLDEST_MAJOR:
        try:
            return importlib.import_module(name)
        except (ImportError, OSError) as error:  # OSError: the package is there, its libnvinfer is not
            problems.append(str(error))
    raise EngineError(
        FallbackReason.NO_TENSORRT, f"TensorRT cannot be imported: {'; '.join(problems)}.", remedy=_SYSTEM_PACKAGES
    )


@functools.lru_cache(maxsize=1)
def _open_cuda() -> CudaDriver:
    """The first driver of `CUDA_DRIVERS` that opens the GPU; all sessions share it."""
    problems, reason = [], FallbackReason.NO_TENSORRT
    for name in CUDA_DRIVERS:
        try:
            return cast(CudaDriver, resolve(CUDA_DRIVERS, name, kind="CUDA driver")())
        except ImportError as error:
            problems.append(f"{name}: {error}")
        except CudaError as error:
            reason = FallbackReason.CUDA_FAILED
            problems.append(f"{name}: {error.message}")
    raise EngineError(reason, f"No CUDA package opens the GPU ({'; '.join(problems)}).", remedy=_SYSTEM_PACKAGES)


SYSTEM = DeviceStack("assistant.inference.stack:SYSTEM", system_probe, _import_tensorrt, _open_cuda)
"""The machine's own driver, TensorRT and CUDA."""
