"""What an engine depends on, and what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assistant.inference.engine_plan import BuildSettings, ProfileShapes
from assistant.inference.fallback import FallbackReason
from assistant.inference.fingerprint import HostFingerprint, engine_key, host_fingerprint, l4t_version, power_mode
from tests.doubles.tensorrt_stack import JETPACK_6

HOST = HostFingerprint(tensorrt="10.3.0", gpu="Orin", sm="8.7", l4t="36.4.3", cuda="12.6")
SHA256 = "a" * 64


def test_this_machine() -> None:
    found = host_fingerprint(JETPACK_6)
    assert (found.tensorrt, found.gpu, found.sm, found.cuda) == ("10.3.0", "Orin", "8.7", "12.6")


@pytest.mark.parametrize(
    ("host", "onnx_sha256", "precision", "settings"),
    [
        *((HOST.model_copy(update={field: "other"}), SHA256, "fp16", {}) for field in HostFingerprint.model_fields),
        (HOST, "b" * 64, "fp16", {}),
        (HOST, SHA256, "int8-trt", {}),
        (HOST, SHA256, "fp16", {"workspace_bytes": 1 << 20}),
        (HOST, SHA256, "fp16", {"profiles": {"x": ProfileShapes((1,), (1,), (2,))}}),
        (HOST, SHA256, "fp16", {"flags": ("SPARSE_WEIGHTS",)}),
        (HOST, SHA256, "fp16", {"dla_core": 0}),
    ],
)
def test_every_part_changes_the_key(
    host: HostFingerprint, onnx_sha256: str, precision: str, settings: dict[str, Any]
) -> None:
    usual = engine_key(HOST, SHA256, "fp16", BuildSettings())
    assert usual.digest == engine_key(HOST, SHA256, "fp16", BuildSettings()).digest
    assert engine_key(host, onnx_sha256, precision, BuildSettings(**settings)).digest != usual.digest


def test_a_mismatch_says_what_was_expected_and_got() -> None:
    assert HOST.mismatch(HOST) is None
    version = HOST.mismatch(HOST.model_copy(update={"tensorrt": "10.13.3"}))
    assert version is not None and version.reason is FallbackReason.VERSION_MISMATCH
    assert "expected TensorRT 10.3.0, got 10.13.3" in version.sentence
    gpu = HOST.mismatch(HOST.model_copy(update={"gpu": "Thor", "sm": "11.0", "tensorrt": "10.13.3"}))
    assert gpu is not None and gpu.reason is FallbackReason.GPU_MISMATCH
    assert "compute capability 8.7, got 11.0" in gpu.sentence


def test_reads_jetson_linux(tmp_path: Path) -> None:
    release = tmp_path / "nv_tegra_release"
    release.write_text("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: x\n")
    assert l4t_version(release) == "36.4.3"
    release.write_text("something else")
    assert l4t_version(release) == ""
    assert l4t_version(tmp_path / "none") == ""


def test_names_the_power_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert power_mode() == "unknown"
    tool = tmp_path / "nvpmodel"
    tool.write_text("#!/bin/sh\necho 'NV Power Mode: 15W'\necho 0\n")
    tool.chmod(0o755)
    assert power_mode() == "15W"
