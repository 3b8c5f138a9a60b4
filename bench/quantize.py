"""Quantization: memory of calibration, speed and parity of each precision; the last line is JSON.

Variants of one network are timed in turns, one thread, so that their ratios stand even where the machine is busy.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from assistant.inference.bundle import Precision
from assistant.models.store import ModelStore
from export.calibration import calibrate
from export.onnx_file import read_onnx, shape_of, write_onnx
from export.onnx_from_mobilenet import mobilenet_v3_large
from export.onnx_from_vit import VitShape, random_weights, vit
from export.quantize import QuantizeOptions, emit

MEMORY_SAMPLES = (16, 256)
CALIBRATION_SAMPLES, PARITY_SAMPLES, ROUNDS = 8, 4, 15
VARIANTS: tuple[Precision, ...] = ("fp32", "fp16", "int8-ort", "int8-trt")

Samples = dict[str, NDArray[np.float32]]


def _stored(name: str) -> Callable[[Path], None]:
    def build(target: Path) -> None:
        write_onnx(read_onnx(ModelStore().file(name, f"{name}.onnx")), target)

    return build


NETWORKS: dict[str, Callable[[Path], None]] = {
    "efficientnet-lite0": _stored("efficientnet-lite0"),
    "centernet": _stored("centernet"),
    "mobilenet-v3-large (random weights)": lambda target: write_onnx(mobilenet_v3_large(0), target),
    "vit-b-16 (random weights)": lambda target: write_onnx(vit(random_weights(VitShape(), 0), VitShape()), target),
}


def _samples(model: Path, count: int, seed: int) -> Iterator[Samples]:
    """Smooth noise in the range that the network's input has."""
    rng = np.random.default_rng(seed)
    (value,) = read_onnx(model).graph.input
    shape = [int(size) for size in shape_of(value)]
    low, high = (0.0, 255.0) if shape[-1] == 3 else (-1.0, 1.0)
    for _ in range(count):
        coarse = rng.uniform(low, high, [-(-size // 16) if size > 16 else size for size in shape])
        for axis, size in enumerate(shape):
            coarse = coarse.repeat(-(-size // coarse.shape[axis]), axis=axis).take(range(size), axis=axis)
        yield {value.name: coarse.astype(np.float32)}


def _session(model: Path, *, exact: bool) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if exact:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _cosine(model: Path, reference: Path, samples: list[Samples]) -> float:
    """The least over the outputs."""
    ours, exact = _session(model, exact=True), _session(reference, exact=True)
    pairs = [(exact.run(None, sample), ours.run(None, sample)) for sample in samples]
    cosines = []
    for index in range(len(pairs[0][0])):
        a = np.concatenate([expected[index].ravel() for expected, _ in pairs])
        b = np.concatenate([got[index].ravel() for _, got in pairs])
        cosines.append(float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))))
    return min(cosines)


def _measure(build: Callable[[Path], None], folder: Path) -> dict[str, Any]:
    model = folder / "model.onnx"
    build(model)
    calibrate(model, _samples(model, CALIBRATION_SAMPLES, 1), "minmax", folder / "calibration.npz")
    paths = {precision: folder / f"{precision}.onnx" for precision in VARIANTS}
    for precision, path in paths.items():
        emit(model, folder / "calibration.npz", precision, QuantizeOptions(), path)
    samples = list(_samples(model, PARITY_SAMPLES, 2))
    # int8-trt is for TensorRT: onnxruntime computes it right only without optimizations, so it is not timed here.
    sessions = {name: _session(path, exact=False) for name, path in paths.items() if name != "int8-trt"}
    times: dict[str, list[float]] = {name: [] for name in sessions}
    for round_ in range(ROUNDS + 2):
        for name, session in sessions.items():
            started = time.perf_counter()
            session.run(None, samples[0])
            if round_ >= 2:
                times[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {
        precision: {
            "median_ms": round(1e3 * medians[precision], 2) if precision in medians else None,
            "speed_up": round(medians["fp32"] / medians[precision], 2) if precision in medians else None,
            "least_cosine": round(_cosine(path, model, samples), 5),
            "size_mb": round(path.stat().st_size / 1e6, 2),
        }
        for precision, path in paths.items()
    }


def _memory(count: int) -> dict[str, float]:
    """Peak memory and time of one calibration, in a process of its own."""
    command = [sys.executable, "-m", "bench.quantize", "--calibrate", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def _calibrate_once(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        NETWORKS["efficientnet-lite0"](model)
        started = time.perf_counter()
        calibrate(model, _samples(model, count, 1), "entropy", Path(folder) / "calibration.npz")
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"peak_mib": round(peak, 1), "seconds": round(seconds, 1)}))


def main() -> None:
    """Print a table and the JSON."""
    results: dict[str, Any] = {"calibration": {}, "networks": {}}
    for count in MEMORY_SAMPLES:
        found = results["calibration"][count] = _memory(count)
        print(f"calibration, {count:3} samples: {found['peak_mib']} MiB at most, {found['seconds']} s", flush=True)
    for name, build in NETWORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            results["networks"][name] = _measure(build, Path(folder))
        for precision, row in results["networks"][name].items():
            print(f"{name:36} {precision:9} {row}", flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--calibrate"]:
        _calibrate_once(int(sys.argv[2]))
    else:
        main()
