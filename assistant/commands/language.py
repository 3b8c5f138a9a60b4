"""Languages as they are named on the command line."""

from __future__ import annotations

from assistant.errors import ConfigError


def check_language(language: str | None) -> None:
    """Raises `ConfigError` for one that the assistant does not speak; None leaves the choice to it."""
    if language not in (None, "en", "zh"):
        raise ConfigError(f"'{language}' is not a language of the assistant.", remedy="Use en or zh.")
