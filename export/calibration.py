"""One pass over the calibration samples: what each activation's values are like, in memory that does not grow.

The same result serves every precision: `export.quantize.emit` reads the ranges from it. Nothing is random: the same
samples, in any order, give the same file, byte for byte.

    calibration.npz
    ├── ranges.json      method, number of samples, range and extremes a tensor; for people and reports
    └── histograms.npy   int64, (tensors, BINS), in the order of ranges.json
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray

from assistant.atomic import replace_file
from export.errors import CalibrationError
from export.graph import float_activations, load_graph, with_outputs
from export.histogram import BINS, StreamingHistogram
from export.thresholds import METHODS, CalibrationMethod, range_of

if TYPE_CHECKING:
    import onnxruntime as ort

CALIBRATED_OPERATORS = (
    *("Conv", "ConvTranspose", "MatMul", "Gemm"),
    *("Add", "Sub", "Mul", "Div", "Relu", "Clip", "LeakyRelu", "PRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh"),
    *("MaxPool", "AveragePool", "GlobalAveragePool", "ReduceMean", "Resize", "Pad", "Concat", "Split", "Slice"),
    *("Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Gather", "Softmax", "LayerNormalization"),
)
"""Operators whose float inputs and outputs are watched: all that some precision may quantize."""

_RANGES, _HISTOGRAMS = "ranges.json", "histograms.npy"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip archive can hold: real times would make equal results unequal."""


@dataclass(frozen=True, slots=True)
class TensorRange:
    """What a tensor's INT8 values have to cover."""

    low: float
    """≤ 0."""
    high: float
    """≥ 0."""
    minimum: float
    """The smallest value seen."""
    maximum: float


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """Ranges and histograms of all activations that can be quantized."""

    method: CalibrationMethod
    sample_count: int
    ranges: Mapping[str, TensorRange]
    """By tensor name."""
    limits: Mapping[str, float]
    """Tensor → its histogram's bins are equal parts of [-limit, limit]."""
    histograms: Mapping[str, NDArray[np.int64]]
    """Tensor → counts, (BINS,)."""


def calibrate(
    model: Path, samples: Iterable[Mapping[str, NDArray[Any]]], method: CalibrationMethod, out: Path
) -> CalibrationResult:
    """Run `model` once on each sample (input name → array), write `out` (.npz) atomically and return its content.

    Raises `CalibrationError` when nothing is to be calibrated, there is no sample, one does not fit the model's inputs,
    or the model answers NaN or infinity.
    """
    if method not in METHODS:
        raise CalibrationError(
            f"There is no calibration method '{method}'.", remedy=f"Choose from {', '.join(METHODS)}."
        )
    graph = load_graph(model)
    tensors = float_activations(graph, CALIBRATED_OPERATORS)
    if not tensors:
        raise CalibrationError(
            "The network has no operator that INT8 could quantize.", remedy="Do without INT8: --precision fp16"
        )
    session = exact_session(with_outputs(graph, tensors))
    histograms = {name: StreamingHistogram() for name in tensors}
    producers = {output: node.name for node in graph.graph.node for output in node.output}
    count = 0
    for sample in samples:
        _check_sample(session, sample, count)
        for name, values in zip(tensors, session.run(list(tensors), dict(sample)), strict=True):
            try:
                histograms[name].add(values)
            except ValueError as error:
                where = f"of node '{producers[name]}'" if name in producers else "that is a graph input"
                raise CalibrationError(
                    f"Sample {count} makes the tensor '{name}' {where} NaN or infinite.",
                    remedy="Check the network's weights and the sample's preprocessing.",
                ) from error
        count += 1
    if count == 0:
        raise CalibrationError("There are no calibration samples.", remedy="Give a folder that has some.")
    result = _result(method, count, histograms)
    _write(result, out)
    return result


def _result(method: CalibrationMethod, count: int, histograms: Mapping[str, StreamingHistogram]) -> CalibrationResult:
    seen = {name: histogram for name, histogram in sorted(histograms.items()) if histogram.counts.any()}
    ranges = {
        name: TensorRange(*range_of(histogram, method), histogram.minimum, histogram.maximum)
        for name, histogram in seen.items()
    }
    limits = {name: histogram.limit for name, histogram in seen.items()}
    return CalibrationResult(method, count, ranges, limits, {name: item.counts for name, item in seen.items()})


def exact_session(model: onnx.ModelProto) -> ort.InferenceSession:
    """A session on the CPU that computes the graph as it is written, every tensor of it.

    Raises `CalibrationError` when onnxruntime refuses the graph.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    # Unfused, so that every tensor is what the quantizer will see; and no arena, which keeps the largest run's memory.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except MemoryError:
        raise  # says nothing of the network
    except Exception as error:  # onnxruntime raises its own types, which have no common base
        raise CalibrationError(f"onnxruntime cannot run the network: {error}") from error


def _check_sample(session: ort.InferenceSession, sample: Mapping[str, NDArray[Any]], index: int) -> None:
    expected = {item.name: item for item in session.get_inputs()}
    if expected.keys() != sample.keys():
        raise CalibrationError(
            f"Calibration sample {index} has the inputs {sorted(sample)}; the network has {sorted(expected)}."
        )
    for name, array in sample.items():
        want = expected[name]
        fits = len(want.shape) == array.ndim and all(
            not isinstance(size, int) or size == got for size, got in zip(want.shape, array.shape, strict=False)
        )
        if not fits or want.type != _ORT_TYPES.get(array.dtype.name):
            raise CalibrationError(
                f"Calibration sample {index}, input '{name}': expected {want.type} {want.shape}, "
                f"got {array.dtype.name} {list(array.shape)}.",
                remedy="Preprocess the samples as the model's manifest says.",
            )


_ORT_TYPES = {
    "float32": "tensor(float)",
    "float16": "tensor(float16)",
    "float64": "tensor(double)",
    "bool": "tensor(bool)",
    **{name: f"tensor({name})" for name in ("int8", "uint8", "int16", "uint16", "int32", "int64")},
}


def _write(result: CalibrationResult, out: Path) -> None:
    ranges = {
        "method": result.method,
        "samples": result.sample_count,
        "bins": BINS,
        "tensors": [
            {
                "name": name,
                "low": item.low,
                "high": item.high,
                "minimum": item.minimum,
                "maximum": item.maximum,
                "limit": result.limits[name],
            }
            for name, item in result.ranges.items()
        ],
    }
    array = io.BytesIO()
    np.save(array, np.stack(list(result.histograms.values())), allow_pickle=False)
    members = {_RANGES: json.dumps(ranges, indent=1, ensure_ascii=False).encode(), _HISTOGRAMS: array.getvalue()}
    with replace_file(out) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)


def read_calibration(path: Path) -> CalibrationResult:
    """What `calibrate` wrote. Raises `CalibrationError` when the file is missing, damaged or not a calibration."""
    try:
        with zipfile.ZipFile(path) as archive:
            content = json.loads(archive.read(_RANGES))
            counts = np.load(io.BytesIO(archive.read(_HISTOGRAMS)), allow_pickle=False)
        tensors = content["tensors"]
        if counts.shape != (len(tensors), content["bins"]):
            raise ValueError(f"{len(tensors)} tensors, but histograms of shape {counts.shape}")
        return CalibrationResult(
            method=content["method"],
            sample_count=content["samples"],
            ranges={
                item["name"]: TensorRange(item["low"], item["high"], item["minimum"], item["maximum"])
                for item in tensors
            },
            limits={item["name"]: item["limit"] for item in tensors},
            histograms={item["name"]: row for item, row in zip(tensors, counts, strict=True)},
        )
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise CalibrationError(f"{path} is not a calibration result: {error}.", remedy="Calibrate again.") from error
