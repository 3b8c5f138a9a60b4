"""Histograms that grow with what they see, in constant memory.

The range is ±2^k, with k the smallest for which all absolute values are below it. Widening it merges pairs of bins,
which loses nothing but resolution: so the counts are those that one look at all values would have given, in whatever
order the values came.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BINS = 4096
"""A multiple of four. At least a quarter of them covers [-max, 0] or [0, max], as the range is under twice the
maximum: 1024 steps against the 128 that INT8 has on each side of zero."""

_CHUNK = 1 << 20
"""Values counted at a time, so that the temporary arrays stay small beside an activation of 100 MB."""
_SMALLEST_EXPONENT = -100
"""Values below 2^-100 count as zero: their scale would overflow float32."""


@dataclass(slots=True)
class StreamingHistogram:
    """Counts, extremes and the range of all values given to `add`."""

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    """(BINS,): equal bins over [-limit, limit]."""
    limit: float = 2.0**_SMALLEST_EXPONENT
    """A power of two above all absolute values."""
    minimum: float = np.inf
    maximum: float = -np.inf

    def add(self, values: NDArray[np.floating]) -> None:
        """Count `values` (any shape, finite). Raises `ValueError` for NaN or infinity."""
        if values.size == 0:
            return
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError("values are not finite")
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)
        self._widen(max(-low, high))
        flat = values.reshape(-1)
        # A power of two: scaling is exact in float32 too, so that no value lands in its neighbour's bin.
        scale = np.float32(BINS // 2 / self.limit)
        for start in range(0, flat.size, _CHUNK):
            scaled = flat[start : start + _CHUNK].astype(np.float32) * scale
            bins = np.floor(scaled, out=scaled).astype(np.int32)
            bins += BINS // 2
            self.counts += np.bincount(bins, minlength=BINS)

    def _widen(self, magnitude: float) -> None:
        if magnitude >= self.limit and not self.counts.any():
            self.limit = math.ldexp(1.0, math.frexp(magnitude)[1])  # nothing to merge: a hundred steps in one
        while magnitude >= self.limit:
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.pad(merged, BINS // 4)
            self.limit *= 2.0

    @property
    def edges(self) -> NDArray[np.float64]:
        """(BINS + 1,): where the bins begin and end."""
        return np.linspace(-self.limit, self.limit, BINS + 1, dtype=np.float64)

    @property
    def magnitudes(self) -> NDArray[np.int64]:
        """(BINS / 2,): counts of absolute values, equal bins over [0, limit]."""
        half = BINS // 2
        return self.counts[half:] + self.counts[:half][::-1]
