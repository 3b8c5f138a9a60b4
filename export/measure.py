"""Latency of a variant on this machine, and on no other."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import ModelError
from assistant.inference.bundle import GoldenPair, Precision
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.ports import InferenceSession
from assistant.telemetry.machine import describe_machine
from export.recipe import Feeds

_WARM_UP = 2
_MOST_RUNS = 40
_LEAST_RUNS = 5
_BUDGET_S = 1.5


def measure_variants(models: Mapping[Precision, Path], pair: GoldenPair, threads: int = 1) -> dict[str, Any]:
    """{"machine", "runtime", "threads", "variants": {precision: {"median_ms", "p95_ms", "runs_ms"}}, "refused":
    {precision: why onnxruntime does not load it}}.

    The variants take turns, so that whatever else the machine does slows down all of them alike. int8-trt is left out:
    it is for TensorRT alone, and what the CPU takes for it would only be mistaken for a figure. Raises `ModelError`
    where not even FP32 is loaded.
    """
    import onnxruntime

    sessions: dict[Precision, OnnxRuntimeSession] = {}
    refused: dict[Precision, str] = {}
    for name, path in models.items():
        if name == "int8-trt":
            continue
        try:
            sessions[name] = OnnxRuntimeSession(path, threads=threads, keep_memory=True)
        except ModelError as error:
            # Its optimizations, off in the gate, refuse some FP16 networks. TensorRT may take them all the same.
            if name == "fp32":
                raise
            refused[name] = error.message.partition("\n")[0]
    runs_ms: dict[Precision, list[float]] = {name: [] for name in sessions}
    started_s = time.perf_counter()
    for number in range(_WARM_UP + _MOST_RUNS):
        for name, session in sessions.items():
            took_ms = _run_ms(session, pair.inputs)
            if number >= _WARM_UP:
                runs_ms[name].append(took_ms)
        if number >= _WARM_UP + _LEAST_RUNS and time.perf_counter() - started_s > _BUDGET_S * len(sessions):
            break
    return {
        "machine": str(describe_machine()),
        "runtime": f"onnxruntime {onnxruntime.__version__} on the CPU",
        "threads": threads,
        "variants": {name: summary(runs) for name, runs in runs_ms.items()},
        "refused": refused,
    }


def summary(runs_ms: Sequence[float]) -> dict[str, Any]:
    """Median, 95th percentile and every run, in milliseconds."""
    return {
        "median_ms": round(float(np.median(runs_ms)), 3),
        "p95_ms": round(float(np.percentile(runs_ms, 95)), 3),
        "runs_ms": [round(run, 3) for run in runs_ms],
    }


def _run_ms(session: InferenceSession, feeds: Feeds) -> float:
    started_s = time.perf_counter()
    session.run(feeds)
    return (time.perf_counter() - started_s) * 1e3


def write_measurements(models: Mapping[Precision, Path], pair: GoldenPair, out: Path) -> None:
    """`measure_variants` as JSON."""
    out.write_text(json.dumps(measure_variants(models, pair), indent=1), encoding="utf-8")
