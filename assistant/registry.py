"""Registries: plain dicts of name → "module:Class", resolved when a backend is first asked for.

Adding a backend is one file and one line in the dict beside its port's domain (`assistant/asr/__init__.py` and so on);
the contract tests in `tests/contracts/` enumerate these dicts.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from assistant.errors import ConfigError, DependencyMissingError


def resolve(registry: Mapping[str, str], name: str, *, kind: str, extra: str = "") -> Any:
    """Import and return what `registry[name]` names.

    `kind` is what a user would call it ("recogniser", "voice"), `extra` what brings its package, if one does. Raises
    `ConfigError` for an unknown name and `DependencyMissingError` when the backend's own package is not installed.
    """
    try:
        module_name, _, attribute = registry[name].partition(":")
    except KeyError:
        raise ConfigError(f"There is no {kind} named '{name}'.", remedy=f"Use one of: {', '.join(registry)}.") from None
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        package = f'"edge-assistant[{extra}]"' if extra else error.name
        raise DependencyMissingError(
            f"The {kind} '{name}' needs the Python package '{error.name}', which is not installed.",
            remedy=f"Install it with: pip install {package}",
        ) from error
    return getattr(module, attribute)
