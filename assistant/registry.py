"""Registries: plain dicts of name → "module:Class", resolved when a backend is first asked for.

Adding a backend is one file and one line in the dict beside its port's domain (`assistant/asr/__init__.py` and so on);
the contract tests in `tests/contracts/` enumerate these dicts.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from assistant.errors import ConfigError, DependencyMissingError

_EXTRAS = {"pymicro_wakeword": "wake", "pyttsx3": "espeak", "rapidocr": "ocr", "vosk": "vosk"}
"""Package → the extra of pyproject.toml that brings it, for those that backends need."""


def install_extra(name: str, *, service_too: bool = True) -> str:
    """How to install an extra of this project, which is in no package index. What pip puts into the service's
    environment is gone with the next upgrade; what the installer does stays."""
    service = f"; for the service: sudo ./install.sh --with {name}" if service_too else ""
    return f"In the clone of this project: .venv/bin/pip install --editable '.[{name}]'{service}"


def install_package(package: str, distribution: str = "") -> str:
    """How to install an importable package, which pip calls `distribution` where it has another name: with the extra
    that brings it, if one does; all others are part of the project, of which the installer makes a whole one anew."""
    if package in _EXTRAS:
        return install_extra(_EXTRAS[package])
    return (
        f"In the clone of this project: .venv/bin/pip install {distribution or package}; "
        "for the service: sudo ./install.sh"
    )


def resolve(registry: Mapping[str, str], name: str, *, kind: str) -> Any:
    """Import and return what `registry[name]` names.

    `kind` is what a user would call it ("recogniser", "voice"). Raises `ConfigError` for an unknown name and
    `DependencyMissingError` when the backend's own package is not installed.
    """
    try:
        module_name, _, attribute = registry[name].partition(":")
    except KeyError:
        raise ConfigError(f"There is no {kind} named '{name}'.", remedy=f"Use one of: {', '.join(registry)}.") from None
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        package = error.name or ""
        raise DependencyMissingError(
            f"The {kind} '{name}' needs the Python package '{package}', which is not installed.",
            remedy=install_package(package),
        ) from error
    return getattr(module, attribute)
