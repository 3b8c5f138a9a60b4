"""Sound in bands of frequency, as the evidence of the echo guard sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from assistant.audio.echo_reference import EARLIEST
from assistant.events import AudioArray

Bands: TypeAlias = npt.NDArray[np.float32]

_EDGES_HZ = (250, 350, 450, 570, 700, 840, 1000, 1170, 1370, 1600, 1850, 2150, 2500, 2900, 3400, 4000, 4800, 5800, 7000)
"""About the ear's critical bands, where speech is."""
_EDGES = np.round(np.array(_EDGES_HZ) * 2 * FRAME_SAMPLES / SAMPLE_RATE_HZ).astype(np.int64)
BANDS = len(_EDGES_HZ) - 1
_WINDOW = np.hanning(2 * FRAME_SAMPLES).astype(np.float32)
TINY = np.float32(1e-10)

LOOK_AHEAD = -(-(-EARLIEST + FRAME_SAMPLES) // FRAME_SAMPLES) * FRAME_SAMPLES
"""Samples by which the powers of what is played run ahead of the microphone: it may be heard that early."""
_SPREAD = np.float32(0.003)
"""Share of the loudest band that a small speaker's distortion puts into the others (-25 dB)."""
_MOST_DB = 12.0
"""Most that a single band counts."""


@dataclass(frozen=True, slots=True)
class FramePowers:
    """Mean power in each band, (18,), of one frame and the one before."""

    heard: Bands
    residual: Bands
    """What is left after subtracting the predicted echo."""
    predicted: Bands
    played: Bands
    """`LOOK_AHEAD` later than the others."""

    @classmethod
    def of(cls, windows: AudioArray) -> FramePowers:
        """From the (4, 1024) samples of the four."""
        spectrum = np.fft.rfft(windows * _WINDOW, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        sums = np.add.reduceat(power, _EDGES, axis=1)[:, :-1]
        return cls(*((sums / np.diff(_EDGES)).astype(np.float32) + TINY))


def with_distortion(power: Bands) -> Bands:
    """With what a small speaker's distortion puts into the other bands."""
    wider: Bands = power + _SPREAD * power.max()
    return wider


def db(power: Bands) -> Bands:
    """Powers in decibels."""
    decibels: Bands = np.float32(10.0) * np.log10(power)
    return decibels


def excess_db(power: Bands, bound_db: Bands, floor_db: Bands) -> Bands:
    """By how much the bands exceed the bound (..., 18), on average, (...); silence exceeds nothing."""
    excess: Bands = np.clip(db(power) - np.maximum(bound_db, floor_db), 0.0, _MOST_DB).mean(axis=-1)
    return excess
