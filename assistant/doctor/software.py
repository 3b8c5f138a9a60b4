"""Python, and programs beside it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib import metadata

from assistant.doctor.check import Check, Patient

_PACKAGES = ("edge-assistant", "onnxruntime", "ctranslate2", "numpy", "opencv-python-headless")


def examine(patient: Patient) -> Iterator[Check]:
    """Whether what everything else stands on is there."""
    supported = (3, 10) <= sys.version_info[:2] <= (3, 13)
    yield Check("Python", supported, f"{sys.version.split()[0]} at {sys.executable}", "Use Python 3.10 to 3.13.")
    yield Check("packages", True, ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))
    espeak = shutil.which("espeak-ng")
    yield Check(
        "espeak-ng",
        espeak is not None,
        espeak or "not installed",
        "The fallback voice needs it: sudo apt-get install espeak-ng",
        needed=False,
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(the system's)" if package.startswith("opencv") else "(missing)"
