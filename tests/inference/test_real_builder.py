"""The build on a real parser and builder: TensorRT-RTX, which needs no GPU for it.

It is not the TensorRT of a Jetson: what passes here may still fail there. It shows that the calls, the logger and the
buffers fit real bindings and not only the double.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from assistant.inference.engine_plan import BuildSettings, ProfileShapes, build_engine
from assistant.inference.fallback import EngineError
from assistant.inference.probe import DriverProbe, Gpu
from assistant.inference.stack import DeviceStack
from tests.doubles.networks import tiny_network

pytestmark = pytest.mark.filterwarnings("ignore:Use del obj instead:DeprecationWarning")


@pytest.fixture(scope="module")
def stack() -> DeviceStack:
    """TensorRT-RTX, told to build for compute capability 8.6."""
    real: Any = pytest.importorskip(
        "tensorrt_rtx", reason="SKIPPED, NOT PASSED: install edge-assistant[tensorrt-check]"
    )

    class Builder(real.Builder):  # type: ignore[misc]
        def create_builder_config(self) -> Any:
            config = real.Builder.create_builder_config(self)
            config.num_compute_capabilities = 1
            config.set_compute_capability(real.ComputeCapability.SM86, 0)
            return config

    names = {name: getattr(real, name) for name in dir(real)}
    module = ModuleType("tensorrt")
    vars(module).update({**names, "Builder": Builder, "__version__": "10.3.0"})

    def no_cuda() -> Any:
        raise AssertionError("building needs no CUDA calls of ours")

    return DeviceStack("", lambda: DriverProbe((Gpu("", "8.6"),), "12.6"), lambda: module, no_cuda)


def test_builds_static_and_dynamic_networks_with_a_timing_cache(stack: DeviceStack, tmp_path: Path) -> None:
    for batch, profiles in ((1, {}), ("n", {"x": ProfileShapes((1, 4), (2, 4), (8, 4))})):
        network = tiny_network(tmp_path / "network.onnx", batch=batch)
        settings = BuildSettings(workspace_bytes=64 << 20, profiles=profiles)
        build_engine(network, tmp_path / "network.engine", settings, stack, timing_cache=tmp_path / "timing.cache")
        assert (tmp_path / "network.engine").stat().st_size > 1000
        assert (tmp_path / "timing.cache").is_file()


def test_what_it_cannot_read_is_named(stack: DeviceStack, tmp_path: Path) -> None:
    (tmp_path / "network.onnx").write_bytes(b"not a network")
    with pytest.raises(EngineError, match=r"cannot read .*network\.onnx: .*ParseFromCodedStream"):
        build_engine(tmp_path / "network.onnx", tmp_path / "network.engine", BuildSettings(), stack)
    assert not list(tmp_path.glob("*.engine"))
