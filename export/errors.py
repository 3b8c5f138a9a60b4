"""Errors of the toolchain."""

from __future__ import annotations

from assistant.errors import ModelError


class ConversionError(ModelError):
    """A network cannot be converted: its files are damaged, or it uses something that the converter does not know."""
