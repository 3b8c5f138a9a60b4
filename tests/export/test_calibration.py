"""Calibration: one pass, exact ranges, the same file whatever the order, clear errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from export.calibration import CalibrationMethod, calibrate, read_calibration
from export.errors import CalibrationError
from export.histogram import BINS, StreamingHistogram
from export.thresholds import METHODS, range_of
from tests.doubles.tiny_networks import INPUT, samples, write_model, write_network


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("network") / "network.onnx")


def test_minmax_ranges_are_the_extremes_of_the_samples(network: Path, tmp_path: Path) -> None:
    result = calibrate(network, samples(5), "minmax", tmp_path / "c.npz")
    pictures = np.stack([sample[INPUT] for sample in samples(5)])
    assert result.ranges[INPUT].low == pictures.min()
    assert result.ranges[INPUT].high == pictures.max()
    assert result.ranges["r1"].low == 0.0
    assert result.sample_count == 5
    assert {"picture", "c1", "r1", "a1", "m1", "f1", "logits", "classes"} <= result.ranges.keys()


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_samples_does_not_change_a_byte(network: Path, tmp_path: Path, method: CalibrationMethod) -> None:
    forwards, backwards = tmp_path / "a.npz", tmp_path / "b.npz"
    calibrate(network, samples(6), method, forwards)
    calibrate(network, reversed(list(samples(6))), method, backwards)
    assert forwards.read_bytes() == backwards.read_bytes()


def test_every_sample_is_asked_for_once_and_let_go(network: Path, tmp_path: Path) -> None:
    alive: list[int] = []

    class Sample(dict[str, NDArray[Any]]):
        def __init__(self, values: dict[str, NDArray[Any]]) -> None:
            super().__init__(values)
            alive.append(id(self))

        def __del__(self) -> None:
            alive.remove(id(self))

    def stream() -> Iterator[Sample]:
        for values in samples(5):
            assert len(alive) <= 1
            yield Sample(values)

    calibrate(network, stream(), "minmax", tmp_path / "c.npz")
    assert not alive


def test_what_is_written_is_what_is_read(network: Path, tmp_path: Path) -> None:
    written = calibrate(network, samples(3), "entropy", tmp_path / "c.npz")
    read = read_calibration(tmp_path / "c.npz")
    assert read.ranges == dict(written.ranges)
    assert (read.method, read.sample_count, read.limits) == ("entropy", 3, dict(written.limits))
    assert all(np.array_equal(read.histograms[name], written.histograms[name]) for name in written.histograms)


def test_a_histogram_counts_what_one_look_at_all_values_would_count() -> None:
    rng = np.random.default_rng(3)
    parts = [rng.normal(0, scale, 5000).astype(np.float32) for scale in (1e-6, 0.3, 7.0, 0.01)]
    histogram = StreamingHistogram()
    for part in parts:
        histogram.add(part.reshape(50, 100))
    values = np.concatenate(parts)
    assert histogram.limit == 2.0 ** np.ceil(np.log2(np.abs(values).max()))
    assert histogram.counts.tolist() == np.histogram(values, histogram.edges)[0].tolist()
    assert (histogram.minimum, histogram.maximum) == (values.min(), values.max())


@pytest.mark.parametrize("method", ["entropy", "percentile"])
def test_rare_outliers_do_not_take_the_range(method: CalibrationMethod) -> None:
    histogram = StreamingHistogram()
    histogram.add(np.random.default_rng(0).normal(0, 1, 2_000_000).astype(np.float32))
    histogram.add(np.array([50.0, -40.0], np.float32))
    low, high = range_of(histogram, method)
    assert -20 < low < -2
    assert 2 < high < 20
    assert range_of(histogram, "minmax") == (-40.0, 50.0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 1e-30, 3.5, -2.0])
def test_a_constant_tensor_has_a_range_with_zero_and_the_constant(method: CalibrationMethod, value: float) -> None:
    histogram = StreamingHistogram()
    histogram.add(np.full(100, value, np.float32))
    low, high = range_of(histogram, method)
    assert low <= min(0.0, np.float32(value)) + 1e-6
    assert high >= max(0.0, np.float32(value)) - 1e-6


def test_histograms_cover_all_values(network: Path, tmp_path: Path) -> None:
    result = calibrate(network, samples(4), "minmax", tmp_path / "c.npz")
    assert result.histograms[INPUT].shape == (BINS,)
    assert result.histograms[INPUT].sum() == 4 * 3 * 16 * 16


def _bad_samples() -> dict[str, tuple[list[dict[str, NDArray[Any]]], str]]:
    good = next(samples(1))[INPUT]
    return {
        "none": ([], "no calibration samples"),
        "shape": ([{INPUT: good[:, :, :8]}], r"input 'picture'.*\[1, 3, 16, 16\].*\[1, 3, 8, 16\]"),
        "dtype": ([{INPUT: good.astype(np.float64)}], "expected tensor.float.*got float64"),
        "name": ([{"image": good}], r"\['image'\].*\['picture'\]"),
        "nan": ([{INPUT: np.full_like(good, np.nan)}], "'picture' that is a graph input NaN"),
    }


@pytest.mark.parametrize("case", _bad_samples())
def test_samples_that_do_not_fit_are_named(network: Path, tmp_path: Path, case: str) -> None:
    bad, message = _bad_samples()[case]
    with pytest.raises(CalibrationError, match=message):
        calibrate(network, bad, "minmax", tmp_path / "c.npz")
    assert list(tmp_path.iterdir()) == []


def test_nan_names_the_node_that_made_it(tmp_path: Path) -> None:
    network = write_model(
        tmp_path / "n.onnx",
        [helper.make_node("Mul", ["x", "w"], ["y"], "scale_of_nan")],
        {"w": np.array([np.nan], np.float32)},
        inputs={"x": [4]},
        outputs={"y": [4]},
    )
    with pytest.raises(CalibrationError, match="node 'scale_of_nan'"):
        calibrate(network, [{"x": np.ones(4, np.float32)}], "minmax", tmp_path / "c.npz")


def test_a_damaged_file_is_refused(network: Path, tmp_path: Path) -> None:
    out = tmp_path / "c.npz"
    calibrate(network, samples(2), "minmax", out)
    out.write_bytes(out.read_bytes()[:200])
    with pytest.raises(CalibrationError, match=r"c\.npz.*Calibrate again"):
        read_calibration(out)


def test_an_unknown_method_is_refused(network: Path, tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="minmax, entropy, percentile"):
        calibrate(network, samples(1), "median", tmp_path / "c.npz")  # type: ignore[arg-type]


def test_that_there_is_no_memory_is_not_said_of_the_network(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onnxruntime.InferenceSession", Mock(side_effect=MemoryError))
    with pytest.raises(MemoryError):
        calibrate(network, samples(1), "minmax", tmp_path / "c.npz")
