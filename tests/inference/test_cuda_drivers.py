"""Every driver of the registry runs an engine through its own package's calls."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.inference.cuda import CUDA_DRIVERS, CudaDriver, CudaError, CudaMemoryError
from assistant.inference.engine_plan import BuildSettings, build_engine
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.inference.probe import DriverProbe, Gpu
from assistant.inference.stack import DeviceStack
from assistant.inference.tensorrt_session import TensorRtSession
from assistant.registry import resolve
from tests.doubles.cuda import FakeCuda
from tests.doubles.cuda_packages import cuda_bindings_driver, pycuda_driver
from tests.doubles.networks import tiny_network
from tests.doubles.tensorrt_module import tensorrt_module

PACKAGES = {"pycuda": ("pycuda.driver", pycuda_driver), "cuda-bindings": ("cuda.bindings.driver", cuda_bindings_driver)}
X = np.array([[0.5, -1.0, 2.0, 0.25]], np.float32)


@pytest.fixture(params=sorted(CUDA_DRIVERS))
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[CudaDriver, FakeCuda]:
    cuda = FakeCuda(capacity_bytes=1 << 20)
    name, make = PACKAGES[request.param]
    monkeypatch.setitem(sys.modules, name, make(cuda))
    opened: Any = resolve(CUDA_DRIVERS, request.param, kind="CUDA driver")()
    return opened, cuda


def test_runs_an_engine_and_frees_everything(driver: tuple[CudaDriver, FakeCuda], tmp_path: Path) -> None:
    opened, cuda = driver
    module = tensorrt_module("10.3.0", cuda, "8.7")
    stack = DeviceStack("", lambda: DriverProbe((Gpu("Orin", "8.7"),), "12.6"), lambda: module, lambda: opened)
    network = tiny_network(tmp_path / "network.onnx")
    build_engine(network, tmp_path / "network.engine", BuildSettings(), stack)
    with TensorRtSession(tmp_path / "network.engine", stack=stack) as session:
        assert session.uses_graph == opened.supports_graphs == (opened.name == "cuda-bindings")
        outputs = session.run({"x": X})
        expected = OnnxRuntimeSession(network).run({"x": X})
        np.testing.assert_allclose(outputs["y"], expected["y"], rtol=1e-6)
        del outputs
    with opened.active():
        del session
        gc.collect()
    assert cuda.leaks == 0


def test_memory_that_is_not_there_is_named_so(driver: tuple[CudaDriver, FakeCuda]) -> None:
    opened, _ = driver
    with opened.active(), pytest.raises(CudaMemoryError):
        opened.allocate(1 << 21)


def test_what_it_cannot_do_is_an_error(driver: tuple[CudaDriver, FakeCuda]) -> None:
    opened, cuda = driver
    cuda.refuse_capture = True
    with opened.active():
        stream = opened.create_stream()
        if opened.supports_graphs:
            opened.begin_capture(stream)
        with pytest.raises(CudaError) as caught:
            opened.end_capture(stream)
        assert caught.value.remedy
        opened.destroy_stream(stream)
