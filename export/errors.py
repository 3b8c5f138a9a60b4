"""Errors of the toolchain."""

from __future__ import annotations

from assistant.errors import ModelError


class ConversionError(ModelError):
    """A network cannot be converted: its files are damaged, or it uses something that the converter does not know."""


class CalibrationError(ModelError):
    """Calibration samples are missing, of the wrong shape or not finite, or a calibration file cannot be read."""


class QuantizationError(ModelError):
    """A network cannot be emitted in the precision that was asked for."""


class DivergedError(ModelError):
    """A training whose loss is no number any more."""


class GateError(ModelError):
    """A network does not agree with its reference, so nothing of it is shipped."""
