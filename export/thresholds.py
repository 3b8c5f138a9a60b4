"""The range of a tensor that is worth 8 bits, by three methods, from the tensor's histogram.

minmax       everything that was seen
percentile   all but the 0.001 % at each end
entropy      the magnitude at which the clipped and quantized distribution differs least (Kullback-Leibler) from the
             one that was seen: Migacz, "8-bit Inference with TensorRT", GTC 2017,
             https://on-demand.gputechconf.com/gtc/2017/presentation/s7310-8-bit-inference-with-tensorrt.pdf

onnxruntime's calibrators offer the same three, but keep every sample's activations (Percentile, Entropy) or no
histogram (MinMax).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from export.histogram import BINS, StreamingHistogram

CalibrationMethod = Literal["minmax", "entropy", "percentile"]
METHODS: tuple[CalibrationMethod, ...] = get_args(CalibrationMethod)

PERCENTILE = 99.999
_LEVELS = 128
"""Magnitudes that INT8 can tell apart."""
_STEP = 8
"""Bins between the candidate thresholds. The divergence is flat about its minimum: finer steps only cost time."""


def range_of(histogram: StreamingHistogram, method: CalibrationMethod) -> tuple[float, float]:
    """(low, high) with low ≤ 0 ≤ high: zero must be representable exactly (padding, ReLU)."""
    low, high = min(histogram.minimum, 0.0), max(histogram.maximum, 0.0)
    if method == "percentile":
        below, above = _percentile(histogram)
        low, high = max(low, below), min(high, above)
    elif method == "entropy":
        magnitude = _entropy(histogram.magnitudes) * histogram.limit
        low, high = max(low, -magnitude), min(high, magnitude)
    return low, high


def _percentile(histogram: StreamingHistogram) -> tuple[float, float]:
    cumulated = np.cumsum(histogram.counts)
    total = int(cumulated[-1])
    tail = total * (1.0 - PERCENTILE / 100.0)
    first = int(np.searchsorted(cumulated, tail, side="right"))
    last = int(np.searchsorted(cumulated, total - tail, side="left"))
    return min(float(histogram.edges[first]), 0.0), max(float(histogram.edges[last + 1]), 0.0)


def _entropy(counts: NDArray[np.int64]) -> float:
    """The best threshold as a part of the histogram's limit, from counts of magnitudes."""
    # Exact zeros (ReLU, padding) are representable whatever the threshold: left in, they would drown the rest.
    counts = counts.copy()
    counts[0] = counts[1]
    occupied = np.flatnonzero(counts)
    if occupied.size == 0 or occupied[-1] < _LEVELS:
        return 1.0
    candidates = range(_LEVELS, int(occupied[-1]) + 1 + _STEP, _STEP)
    best = min(candidates, key=lambda size: _divergence(counts, min(size, counts.size)))
    return min(best, counts.size) / (BINS // 2)


def _divergence(counts: NDArray[np.int64], size: int) -> float:
    """Kullback-Leibler divergence from the distribution clipped at `size` bins to its version in `_LEVELS` levels."""
    kept = counts[:size].astype(np.float64)
    if not kept.any():
        return float("inf")
    reference = kept.copy()
    reference[-1] += float(counts[size:].sum())
    level = np.arange(size) * _LEVELS // size
    occupied = kept > 0
    totals = np.bincount(level, kept, _LEVELS)
    sizes = np.bincount(level, occupied, _LEVELS)
    quantized = np.where(occupied, totals[level] / np.maximum(sizes[level], 1), 0.0)
    return _kl(_smoothed(reference), _smoothed(quantized))


def _smoothed(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities without zeros."""
    probabilities = counts + 1e-4 * counts.sum() / counts.size
    return np.asarray(probabilities / probabilities.sum())


def _kl(reference: NDArray[np.float64], quantized: NDArray[np.float64]) -> float:
    return float(np.sum(reference * np.log(reference / quantized)))
