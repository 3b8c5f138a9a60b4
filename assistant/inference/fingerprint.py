"""What an engine depends on: an engine runs on the TensorRT build and the GPU that made it, and nowhere else."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from assistant.inference.engine_plan import BuildSettings, ProfileShapes
from assistant.inference.fallback import Fallback, FallbackReason
from assistant.inference.stack import DeviceStack, tensorrt_version

_TEGRA_RELEASE = Path("/etc/nv_tegra_release")
_POWER_MODE_TIMEOUT_S = 5.0


class Table(BaseModel):
    """A record in JSON: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class HostFingerprint(Table):
    """The machine, as far as engines care."""

    tensorrt: str
    """Full version, with TensorRT-RTX marked as such."""
    gpu: str
    sm: str
    """Compute capability, such as "8.7"."""
    l4t: str
    """Jetson Linux, such as "36.4.3"; empty elsewhere."""
    cuda: str

    def mismatch(self, other: HostFingerprint) -> Fallback | None:
        """Why an engine of `other` does not run on this machine, None if it does."""
        for fields, reason in (
            (("gpu", "sm"), FallbackReason.GPU_MISMATCH),
            (("tensorrt", "cuda", "l4t"), FallbackReason.VERSION_MISMATCH),
        ):
            differences = [
                f"{_NAMES[field]} {getattr(self, field) or 'none'}, got {getattr(other, field) or 'none'}"
                for field in fields
                if getattr(self, field) != getattr(other, field)
            ]
            if differences:
                return Fallback(
                    reason,
                    f"The engine was built elsewhere: expected {'; '.join(differences)}.",
                    "It is built again in the background, or by: assistant-export compile BUNDLE",
                )
        return None


_NAMES = {"gpu": "GPU", "sm": "compute capability", "tensorrt": "TensorRT", "cuda": "CUDA", "l4t": "L4T"}


class EngineKey(Table):
    """Everything that decides what an engine is."""

    schema_version: Literal[1] = 1
    host: HostFingerprint
    onnx_sha256: str
    precision: str
    workspace_bytes: int
    """What was asked for; a build that ran out of memory may have got less."""
    profiles: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]
    """Input → smallest, best and largest shape."""
    flags: tuple[str, ...]
    dla_core: int | None

    @property
    def digest(self) -> str:
        """Name of the engine in the cache: 32 hexadecimal digits."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def engine_key(host: HostFingerprint, onnx_sha256: str, precision: str, settings: BuildSettings) -> EngineKey:
    """The key of one engine."""
    return EngineKey(
        host=host,
        onnx_sha256=onnx_sha256,
        precision=precision,
        workspace_bytes=settings.workspace_bytes,
        profiles={name: _shapes(profile) for name, profile in sorted(settings.profiles.items())},
        flags=tuple(sorted(settings.flags)),
        dla_core=settings.dla_core,
    )


def host_fingerprint(stack: DeviceStack) -> HostFingerprint:
    """This machine. Raises `EngineError` where there is no driver or no TensorRT."""
    gpu = stack.gpu()
    version = tensorrt_version(stack.tensorrt())
    return HostFingerprint(tensorrt=version, gpu=gpu.name, sm=gpu.sm, l4t=l4t_version(), cuda=stack.probe().cuda)


def l4t_version(release: Path = _TEGRA_RELEASE) -> str:
    """Jetson Linux's version from its release file, such as "36.4.3"; empty where there is none."""
    try:
        text = release.read_text(errors="replace")
    except OSError:
        return ""
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", text)
    return f"{found[1]}.{found[2]}" if found else ""


def power_mode() -> str:
    """The power mode as `nvpmodel -q` names it, such as "MAXN"; "unknown" elsewhere. Timings mean nothing without it,
    but an engine is the same in all of them."""
    tool = shutil.which("nvpmodel")
    if tool is None:
        return "unknown"
    try:
        answer = subprocess.run(
            [tool, "-q"], capture_output=True, text=True, timeout=_POWER_MODE_TIMEOUT_S, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    found = re.search(r"NV Power Mode:\s*(\S+)", answer)
    return found[1] if found else "unknown"


def _shapes(profile: ProfileShapes) -> Any:
    return profile.smallest, profile.optimum, profile.largest
