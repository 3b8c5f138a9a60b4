"""Every dependency of a default installation comes as a wheel for the Jetson's Pythons: asked of the package index."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
_UV = shutil.which("uv", path=Path(sys.executable).parent) or shutil.which("uv")
_UNREACHABLE = re.compile(
    r"error sending request|dns error|failed to fetch|connection refused|timed out|tcp connect", re.I
)

pytestmark = [pytest.mark.network, pytest.mark.skipif(_UV is None, reason="needs uv: pip install uv")]


def resolved(python: str, platform: str, *options: str) -> dict[str, str]:
    """Name → version of what an installation from wheels alone would get."""
    command = [str(_UV), "pip", "compile", str(PROJECT / "pyproject.toml"), "--only-binary=:all:", "--no-header"]
    command += ["--no-annotate", "--quiet", f"--python-version={python}", f"--python-platform={platform}", *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if result.returncode != 0 and _UNREACHABLE.search(result.stderr):
        pytest.skip(f"the package index cannot be reached: {result.stderr.strip().splitlines()[-1]}")
    assert result.returncode == 0, result.stderr
    return dict(line.split("==") for line in result.stdout.split() if "==" in line)


@pytest.mark.parametrize("python", ["3.10", "3.12"], ids=["JetPack 6", "JetPack 7"])
def test_the_default_installation_resolves_to_wheels(python: str) -> None:
    # JetPack 6 is Ubuntu 22.04: glibc 2.35 takes these wheels.
    found = resolved(python, "aarch64-manylinux_2_28")
    assert {"onnxruntime", "ctranslate2", "numpy", "opencv-python-headless", "sounddevice"} <= found.keys()


def test_it_resolves_beside_jetpack_6s_own_opencv_which_needs_numpy_1(tmp_path: Path) -> None:
    constraint = tmp_path / "constraint.txt"
    constraint.write_text("numpy<2\n")
    assert resolved("3.10", "aarch64-manylinux_2_28", "--constraint", str(constraint))["numpy"].startswith("1.")


def test_the_extras_for_a_jetson_resolve_to_wheels() -> None:
    # Not `vosk`, whose dependency `srt` is a source package of pure Python, nor `tensorrt-pycuda`, which is compiled
    # with the CUDA toolkit: docs/install.md names both.
    options = [f"--extra={name}" for name in ("wake", "tensorrt", "espeak", "ocr")]
    found = resolved("3.10", "aarch64-manylinux_2_35", *options)
    assert {"pymicro-wakeword", "cuda-bindings", "pyttsx3", "rapidocr"} <= found.keys()
    # JetPack 6 has a driver of CUDA 12.6.
    assert found["cuda-bindings"].startswith("12.")
