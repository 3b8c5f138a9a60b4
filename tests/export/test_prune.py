"""Pruning: the asked-for share goes, the smallest first, and the network still fits together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from export.errors import QuantizationError
from export.prune import prune
from tests.doubles.tiny_networks import INPUT, samples, write_model, write_network


def _weights(path: Path) -> dict[str, NDArray[np.float32]]:
    return {item.name: numpy_helper.to_array(item) for item in onnx.load(path).graph.initializer}


def _answer(path: Path) -> NDArray[np.float32]:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    answer: NDArray[np.float32] = session.run(None, next(samples(1)))[0]
    return answer


def test_the_smallest_weights_become_zero(tmp_path: Path) -> None:
    network = write_network(tmp_path / "n.onnx")
    prune(network, 0.3, tmp_path / "pruned.onnx")
    before, after = _weights(network), _weights(tmp_path / "pruned.onnx")
    for name in ("w1", "w2", "w3"):
        gone = after[name] == 0
        assert gone.sum() == round(0.3 * gone.size)
        assert np.abs(before[name][gone]).max() <= np.abs(before[name][~gone]).min()
        assert np.array_equal(after[name][~gone], before[name][~gone])
    assert np.array_equal(after["b1"], before["b1"])


def _chain(path: Path) -> Path:
    """Conv → Relu → depth-wise Conv → Conv, with two filters of the first that are all but zero."""
    rng = np.random.default_rng(0)
    shapes = {"w1": (6, 3, 3, 3), "b1": (6,), "w2": (6, 1, 3, 3), "b2": (6,), "w3": (4, 6, 1, 1)}
    weights = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    for name in ("w1", "b1", "b2"):
        weights[name][[1, 4]] *= 1e-6
    nodes = [
        helper.make_node("Conv", [INPUT, "w1", "b1"], ["c1"], "first"),
        helper.make_node("Relu", ["c1"], ["r1"], "relu"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "depth_wise", group=6),
        helper.make_node("Conv", ["c2", "w3"], ["y"], "last"),
    ]
    return write_model(path, nodes, weights, inputs={INPUT: [1, 3, 16, 16]}, outputs={"y": [1, 4, 12, 12]})


def test_the_weakest_channels_go_with_all_that_reads_them(tmp_path: Path) -> None:
    network = _chain(tmp_path / "n.onnx")
    prune(network, 0.33, tmp_path / "pruned.onnx", structured=True)
    shapes = {name: array.shape for name, array in _weights(tmp_path / "pruned.onnx").items()}
    assert shapes == {"w1": (4, 3, 3, 3), "b1": (4,), "w2": (4, 1, 3, 3), "b2": (4,), "w3": (4, 4, 1, 1)}
    np.testing.assert_allclose(_answer(tmp_path / "pruned.onnx"), _answer(network), atol=1e-3)
    onnx.checker.check_model(onnx.load(tmp_path / "pruned.onnx"), full_check=True)


@pytest.mark.parametrize("structured", [False, True])
def test_two_runs_give_the_same_bytes(tmp_path: Path, structured: bool) -> None:
    network = _chain(tmp_path / "n.onnx")
    prune(network, 0.5, tmp_path / "a.onnx", structured)
    prune(network, 0.5, tmp_path / "b.onnx", structured)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_channels_that_others_see_stay(tmp_path: Path) -> None:
    network = write_network(tmp_path / "n.onnx")  # its first convolution is also read by the residual
    with pytest.raises(QuantizationError, match="Prune single weights"):
        prune(network, 0.5, tmp_path / "pruned.onnx", structured=True)
    assert not (tmp_path / "pruned.onnx").exists()


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 30.0])
def test_a_fraction_that_is_none_is_refused(tmp_path: Path, fraction: float) -> None:
    with pytest.raises(QuantizationError, match="more than 0 and less than 1"):
        prune(write_network(tmp_path / "n.onnx"), fraction, tmp_path / "pruned.onnx")
