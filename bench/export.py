"""What exporting costs and brings: latency a recipe, precision and thread count; size; memory; a build cold and warm.

usage: python -m bench.export [--recipes NAME …]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant.errors import ModelMissingError
from assistant.inference.bundle import Bundle, Precision
from assistant.inference.engine_cache import EngineCache, VariantResult
from assistant.inference.engine_options import CompileOptions
from assistant.inference.engine_selection import select_engine
from assistant.inference.fallback import EngineError
from assistant.inference.fingerprint import host_fingerprint
from assistant.inference.loader import default_cache
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.inference.stack import SYSTEM
from assistant.inference.tournament import pick_winner
from assistant.models.progress import NoProgress
from assistant.models.store import ModelStore
from assistant.telemetry.machine import describe_machine
from export.build import BuildOptions, build
from export.measure import measure_variants
from export.recipes import RECIPES
from export.recipes_of_yours import find_recipe

THREADS = (1, 2)


def main() -> dict[str, Any]:
    """Build every recipe twice, then measure what was built; each row is printed as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="*", default=list(RECIPES), help="names; all if none")
    parser.add_argument("--cache", type=Path, help="results of stages from another run: then nothing is cold")
    arguments, _ = parser.parse_known_args()
    results: dict[str, Any] = {"machine": str(describe_machine()), "recipes": {}}
    with tempfile.TemporaryDirectory() as scratch:
        options = BuildOptions(Path(scratch) / "bundles", arguments.cache or Path(scratch) / "cache")
        for name in arguments.recipes:
            try:
                results["recipes"][name] = _recipe(name, options)
            except ModelMissingError as error:
                print(f"{name}: not measured. {error}")
        if results["recipes"]:
            results["warm_build_of_all_s"] = _warm_build_s(list(results["recipes"]), options)
            print(f"warm build of all, as a command: {results['warm_build_of_all_s']:.2f} s")
    return results


def _recipe(name: str, options: BuildOptions) -> dict[str, Any]:
    recipe, store = find_recipe(name), ModelStore()
    built: dict[str, Any] = {}
    for kind in ("cold", "warm"):
        started_s = time.perf_counter()
        result = build(recipe, store, options, NoProgress())
        built[f"{kind}_build_s"] = round(time.perf_counter() - started_s, 3)
    print(f"{name}: cold {built['cold_build_s']:.1f} s, warm {built['warm_build_s']:.2f} s", flush=True)
    bundle = Bundle.open(result.bundle)
    pair = next(bundle.golden())
    models = {variant.precision: bundle.onnx(variant.precision) for variant in bundle.manifest.variants}
    variants: dict[str, dict[str, Any]] = {
        item.precision: {"size_bytes": item.size, "threads": {}} for item in bundle.manifest.variants
    }
    built["picked"] = {}
    for threads in THREADS:
        measured = measure_variants(models, pair, threads)["variants"]
        for precision, figures in measured.items():
            ratio = round(measured["fp32"]["median_ms"] / figures["median_ms"], 3)
            row = {key: figures[key] for key in ("median_ms", "p95_ms")} | {"speed_up": ratio}
            variants[precision]["threads"][str(threads)] = row
        built["picked"][str(threads)] = picked(measured)
    for precision in measured:
        path = models[precision]
        variants[precision]["peak_rss_mb"] = _peak_rss_mb(path, bundle.path)
        for threads, row in variants[precision]["threads"].items():
            print(
                f"  {precision:9} {threads} threads  median {row['median_ms']:8.2f} ms  p95 {row['p95_ms']:8.2f} ms  "
                f"{row['speed_up']:5.2f}x  {variants[precision]['size_bytes'] / 1e6:7.2f} MB  "
                f"peak {variants[precision]['peak_rss_mb']:6.0f} MB",
                flush=True,
            )
    of_both = ", ".join(f"{name} at {threads} threads" for threads, name in built["picked"].items())
    print(f"  of fp32 and int8-ort the tournament's rule picks here: {of_both}")
    built["selection_ms"] = _selection_ms(bundle.path)
    rejected = {item.precision: list(item.reasons) for item in bundle.manifest.rejected}
    return built | {"variants": variants, "rejected": rejected}


def _warm_build_s(names: list[str], options: BuildOptions) -> float:
    """What a second `assistant-export build` of all of them takes, the start of Python included."""
    folders = ["--out", str(options.out), "--cache", str(options.cache)]
    command = [sys.executable, "-m", "export", "build", *names, *folders]
    started_s = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"The warm build ended with {done.returncode}: {done.stderr.strip()}")
    return round(time.perf_counter() - started_s, 3)


def picked(measured: Mapping[str, Mapping[str, Any]]) -> Precision | None:
    """FP32 or int8-ort, by the rule of the tournament that engines run in.

    Nothing runs it for onnxruntime: that takes FP32 unless `SessionOptions.cpu_precision` names another.
    """
    on_the_cpu: tuple[Precision, ...] = ("fp32", "int8-ort")
    raced = {
        precision: VariantResult(
            precision=precision, status="lost", reason="", median_ms=measured[precision]["median_ms"]
        )
        for precision in on_the_cpu
        if precision in measured
    }
    return pick_winner(raced, CompileOptions().min_gain, "int8-ort")[0]


def _selection_ms(bundle: Path) -> float:
    """What a start pays to learn that there is no engine, on a machine that has a GPU or not: the median of ten."""
    spent = []
    for _ in range(10):
        started_s = time.perf_counter()
        opened = Bundle.open(bundle)
        with contextlib.suppress(EngineError):
            SYSTEM.gpu()
            select_engine(opened, EngineCache(default_cache()), host_fingerprint(SYSTEM), CompileOptions())
        spent.append((time.perf_counter() - started_s) * 1e3)
    return round(statistics.median(spent), 2)


def _peak_rss_mb(model: Path, bundle: Path) -> float:
    """Peak memory of a process that loads a variant and runs it, less what it needs before it loads."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return round(pool.apply(_run_once, (model, bundle)), 1)


def _run_once(model: Path, bundle: Path) -> float:
    pair = next(Bundle.open(bundle).golden())
    before_mb = _own_peak_mb()
    session = OnnxRuntimeSession(model, keep_memory=True)
    for _ in range(3):
        session.run(pair.inputs)
    return _own_peak_mb() - before_mb


def _own_peak_mb() -> float:
    """Linux's own figure for this process; the portable one would also count the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3


if __name__ == "__main__":
    print(json.dumps(main()))
