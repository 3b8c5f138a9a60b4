"""Temperature scaling: one number that makes a network's confidence mean what it says.

Guo et al. (2017), "On calibration of modern neural networks", ICML.
"""

from __future__ import annotations

import numpy as np

from export.train.metrics import FloatArray, IntArray

_TEMPERATURES = np.geomspace(0.25, 8.0, 101)


def best_temperature(logits: FloatArray, truth: IntArray) -> float:
    """What to divide logits, shape (n, classes), by, so that the log-likelihood of the truth is highest."""
    rows = np.arange(len(truth))

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, truth]).mean())

    return float(min(_TEMPERATURES, key=loss))
