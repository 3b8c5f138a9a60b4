"""TensorRT-RTX in TensorRT's place: its parser and builder need no GPU. Only what builds works."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from assistant.inference.probe import DriverProbe, Gpu
from assistant.inference.stack import DeviceStack


def _import_rtx() -> Any:
    """The module, told to build for compute capability 8.6, which it would otherwise ask a GPU for."""
    real: Any = importlib.import_module("tensorrt_rtx")

    class Builder(real.Builder):  # type: ignore[misc]
        def create_builder_config(self) -> Any:
            config = real.Builder.create_builder_config(self)
            config.num_compute_capabilities = 1
            config.set_compute_capability(real.ComputeCapability.SM86, 0)
            return config

    module = ModuleType("tensorrt_rtx")
    vars(module).update({name: getattr(real, name) for name in dir(real)})
    vars(module).update({"Builder": Builder})
    return module


def _no_cuda() -> Any:
    raise AssertionError("building needs no CUDA calls of ours")


RTX = DeviceStack(f"{__name__}:RTX", lambda: DriverProbe((Gpu("", "8.6"),), "12.6"), _import_rtx, _no_cuda)
