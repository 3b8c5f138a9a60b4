"""What the machine's own TensorRT and CUDA packages answer where they are missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from assistant.inference.fallback import EngineError, FallbackReason
from assistant.inference.fingerprint import host_fingerprint
from assistant.inference.probe import DriverProbe, Gpu
from assistant.inference.stack import SYSTEM
from tests.doubles.cuda import FakeCuda
from tests.doubles.cuda_packages import cuda_bindings_driver, pycuda_driver


@pytest.fixture(autouse=True)
def forget_the_driver() -> Iterator[None]:
    clear: Any = SYSTEM.open_cuda
    clear.cache_clear()
    yield
    clear.cache_clear()


def test_missing_packages_are_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tensorrt", "tensorrt_rtx", "pycuda.driver", "cuda.bindings.driver"):
        monkeypatch.setitem(sys.modules, name, None)
    for call, words in ((SYSTEM.import_tensorrt, "tensorrt"), (SYSTEM.open_cuda, "pycuda")):
        with pytest.raises(EngineError, match=words) as caught:
            call()
        assert caught.value.reason is FallbackReason.NO_TENSORRT
        remedy = caught.value.remedy or ""
        assert "nvidia-jetpack" in remedy
        # In the service's environment only what the installer puts there stays.
        assert "'.[tensorrt]'" in remedy and "sudo ./install.sh --with tensorrt" in remedy


def rtx_module() -> ModuleType:
    """As much of TensorRT-RTX as is asked before anything is built."""
    module = ModuleType("tensorrt_rtx")
    vars(module).update({"__version__": "1.7.1", "ComputeCapability": SimpleNamespace(SM86=1, SM89=2)})
    return module


def test_a_gpu_that_tensorrt_rtx_has_no_kernels_for_is_named_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", rtx_module())
    machine = replace(SYSTEM, probe=lambda: DriverProbe((Gpu("NVIDIA H200", "9.0"),), "13.0"))
    with pytest.raises(
        EngineError, match=r"RTX 1\.7\.1 has no kernels for NVIDIA H200 \(compute capability 9\.0\)"
    ) as caught:
        machine.tensorrt()
    assert caught.value.reason is FallbackReason.NO_TENSORRT
    assert " .venv/bin/pip install tensorrt;" in (caught.value.remedy or "")


def test_tensorrt_rtx_serves_where_there_is_no_other_and_its_engines_are_not_taken_for_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = ModuleType("tensorrt")
    vars(full)["__version__"] = "10.3.0"
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", rtx_module())
    machine = replace(SYSTEM, probe=lambda: DriverProbe((Gpu("RTX 4000", "8.9"),), "13.0"))
    with_rtx = host_fingerprint(machine)
    assert with_rtx.tensorrt == "RTX 1.7.1"
    monkeypatch.setitem(sys.modules, "tensorrt", full)
    misfit = host_fingerprint(machine).mismatch(with_rtx)
    assert misfit is not None
    assert misfit.reason is FallbackReason.VERSION_MISMATCH
    assert "expected TensorRT 10.3.0, got RTX 1.7.1" in misfit.sentence


def test_either_package_is_enough_and_the_one_with_graphs_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycuda.driver", pycuda_driver(FakeCuda()))
    monkeypatch.setitem(sys.modules, "cuda.bindings.driver", None)
    assert SYSTEM.open_cuda().name == "pycuda"
    SYSTEM.open_cuda.cache_clear()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cuda.bindings.driver", cuda_bindings_driver(FakeCuda()))
    assert SYSTEM.open_cuda().name == "cuda-bindings"
    assert SYSTEM.open_cuda() is SYSTEM.open_cuda()
