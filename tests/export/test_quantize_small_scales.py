"""INT8 with FP16 about it: weights and activations that are small in all are still there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from export.calibration import calibrate
from export.quantize import QuantizeOptions, emit
from export.reference import exact_network
from tests.doubles.tiny_networks import INPUT, samples, write_model


@pytest.mark.parametrize(
    ("first", "second"),
    [([1.0, 1.0], [1.0, 1e-3]), ([1e-3, 2e-5], [1e3, 1.0]), ([1.0, 1.0], [1e-3, 1e-4])],
    ids=["a small channel", "a small activation", "a small layer"],
)
def test_what_is_small_is_not_lost(first: list[float], second: list[float], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def weights(inputs: int, sizes: list[float]) -> NDArray[np.float32]:
        return (rng.uniform(0.5, 1, (2, inputs, 1, 1)) * np.reshape(sizes, (2, 1, 1, 1))).astype(np.float32)

    nodes = [
        helper.make_node("Conv", [INPUT, "w1"], ["c1"], "conv1"),
        helper.make_node("Conv", ["c1", "w2"], ["y"], "conv2"),
    ]
    network, ranges, out = (tmp_path / name for name in ("network.onnx", "calibration.npz", "int8.onnx"))
    shapes = {"inputs": {INPUT: (1, 3, 16, 16)}, "outputs": {"y": (1, 2, 16, 16)}}
    write_model(network, nodes, {"w1": weights(3, first), "w2": weights(2, second)}, **shapes)
    calibrate(network, samples(8), "minmax", ranges)
    emit(network, ranges, "int8-trt", QuantizeOptions(), out)
    [feeds] = samples(1, seed=3)
    expected, found = (exact_network(path)(feeds)["y"][0] for path in (network, out))
    spread = np.ptp(expected, axis=(1, 2))
    assert spread.min() > 0
    assert (np.abs(found - expected).max(axis=(1, 2)) < 0.05 * spread).all()
