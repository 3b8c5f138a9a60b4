"""Latency of a variant on this machine, and on no other."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from assistant.inference.bundle import GoldenPair, Precision
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.telemetry.machine import describe_machine
from export.recipe import Feeds

_WARM_UP = 2
_MOST_RUNS = 40
_LEAST_RUNS = 5
_BUDGET_S = 1.5


def measure_variants(
    models: Mapping[Precision, Path], pair: GoldenPair, threads: tuple[int, ...] = (1,)
) -> dict[str, Any]:
    """{"machine", "runtime", "variants": {precision: {threads: {"median_ms", "p95_ms", "runs_ms"}}}}."""
    import onnxruntime

    variants = {
        precision: {str(count): latency(path, pair.inputs, threads=count) for count in threads}
        for precision, path in models.items()
    }
    return {
        "machine": str(describe_machine()),
        "runtime": f"onnxruntime {onnxruntime.__version__} on the CPU",
        "variants": variants,
    }


def latency(model: Path, feeds: Feeds, *, threads: int, budget_s: float = _BUDGET_S) -> dict[str, Any]:
    """Median, 95th percentile and every run in milliseconds, onnxruntime's optimizations on."""
    session = OnnxRuntimeSession(model, threads=threads, keep_memory=True)
    runs_ms: list[float] = []
    started_s = time.perf_counter()
    for number in range(_WARM_UP + _MOST_RUNS):
        before_s = time.perf_counter()
        session.run(feeds)
        after_s = time.perf_counter()
        if number >= _WARM_UP:
            runs_ms.append((after_s - before_s) * 1e3)
        if len(runs_ms) >= _LEAST_RUNS and after_s - started_s > budget_s:
            break
    session.close()
    return {
        "median_ms": round(float(np.median(runs_ms)), 3),
        "p95_ms": round(float(np.percentile(runs_ms, 95)), 3),
        "runs_ms": [round(run, 3) for run in runs_ms],
    }


def write_measurements(models: Mapping[Precision, Path], pair: GoldenPair, out: Path) -> None:
    """`measure_variants` as JSON."""
    out.write_text(json.dumps(measure_variants(models, pair), indent=1), encoding="utf-8")
