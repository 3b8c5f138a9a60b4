"""Calibration as the report shows it: what the values of an activation were like, and where INT8 cuts them off."""

from __future__ import annotations

from typing import Any

import numpy as np

from export.calibration import CalibrationResult

_TENSORS = 24
_DRAWN_BINS = 64


def calibration_evidence(result: CalibrationResult) -> dict[str, Any]:
    """The tensors that calibration had the most to decide about, those whose largest values are rarest first.

    Each with its range, the extremes that were seen, the share of values that the range cuts off, and a coarse
    histogram over [-limit, limit].
    """
    rows = sorted((_row(result, name) for name in result.ranges), key=lambda row: (row["typical"], row["tensor"]))
    return {
        "method": result.method,
        "samples": result.sample_count,
        "tensors_in_all": len(rows),
        "tensors": rows[:_TENSORS],
    }


def _row(result: CalibrationResult, name: str) -> dict[str, Any]:
    counts, limit, item = result.histograms[name], result.limits[name], result.ranges[name]
    edges = np.linspace(-limit, limit, len(counts) + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    total = int(counts.sum())
    outside = int(counts[(middles < item.low) | (middles > item.high)].sum())
    coarse = counts.reshape(_DRAWN_BINS, -1).sum(axis=1)
    largest = max(abs(item.minimum), abs(item.maximum))
    return {
        "tensor": name,
        "low": item.low,
        "high": item.high,
        "minimum": item.minimum,
        "maximum": item.maximum,
        "cut_off": outside / total if total else 0.0,
        "typical": _magnitude(counts, middles, total) / largest if largest else 1.0,
        "limit": limit,
        "counts": coarse.tolist(),
    }


def _magnitude(counts: np.ndarray[Any, Any], middles: np.ndarray[Any, Any], total: int) -> float:
    """The magnitude that 99.9 % of the values stay under."""
    order = np.argsort(np.abs(middles))
    reached = np.cumsum(counts[order])
    place = int(np.searchsorted(reached, 0.999 * total))
    return float(np.abs(middles)[order][min(place, len(order) - 1)])
