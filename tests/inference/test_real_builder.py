"""The build on a real parser and builder: TensorRT-RTX, which needs no GPU for it.

It is not the TensorRT of a Jetson: what passes here may still fail there. It shows that the calls, the logger and the
buffers fit real bindings and not only the double.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from assistant.inference.build_job import build_facts
from assistant.inference.child_process import run_job
from assistant.inference.engine_plan import BuildSettings, ProfileShapes
from tests.doubles.networks import tiny_network
from tests.doubles.rtx_stack import RTX

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorrt_rtx") is None,
    reason="SKIPPED, NOT PASSED: TensorRT-RTX is not installed: pip install tensorrt-rtx-cu12",
)


def build(network: Path, settings: BuildSettings) -> dict[str, Any]:
    folder = network.parent
    facts = build_facts(network, folder / "network.engine", settings, folder / "timing.cache")
    return run_job("build", facts, RTX, timeout_s=120)


def test_builds_static_and_dynamic_networks_with_a_timing_cache(tmp_path: Path) -> None:
    for batch, profiles in ((1, {}), ("n", {"x": ProfileShapes((1, 4), (2, 4), (8, 4))})):
        network = tiny_network(tmp_path / "network.onnx", batch=batch)
        assert build(network, BuildSettings(workspace_bytes=64 << 20, profiles=profiles)) == {}
        assert (tmp_path / "network.engine").stat().st_size > 1000
        assert (tmp_path / "timing.cache").is_file()


def test_what_it_cannot_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "network.onnx").write_bytes(b"not a network")
    result = build(tmp_path / "network.onnx", BuildSettings())
    assert result["failed"] == "refused"
    assert "network.onnx" in result["message"]
    assert "ParseFromCodedStream" in result["message"]
    assert not list(tmp_path.glob("*.engine"))
