"""The trials of one bundle's engines, each in a child process: build, check, race."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assistant.inference.bundle import Bundle, OutputParity, Precision
from assistant.inference.child_jobs import build_facts
from assistant.inference.child_process import ChildDiedError, run_job
from assistant.inference.engine_cache import Attempt
from assistant.inference.engine_options import CompileOptions
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.inference.parity import violations
from assistant.inference.stack import DeviceStack

_WORKSPACE_STEPS = (1, 2, 4)
"""Divisors of the workspace from one attempt to the next."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Latency of one engine, copies included."""

    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class EngineTrial:
    """How engines of a bundle are tried."""

    bundle: Bundle
    options: CompileOptions
    stack: DeviceStack

    def build(self, precision: Precision, engine: Path, timing_cache: Path) -> list[Attempt]:
        """Build `engine`, with less workspace after each failure that this may cure; the last attempt tells whether it
        is there. Raises `OSError` when it cannot be written."""
        attempts: list[Attempt] = []
        for divisor in _WORKSPACE_STEPS:
            workspace_bytes = self.options.workspace_bytes // divisor
            start = time.perf_counter()
            outcome, message = self._build_once(precision, engine, timing_cache, workspace_bytes)
            attempts.append(
                Attempt(
                    workspace_bytes=workspace_bytes,
                    outcome=outcome,
                    message=message,
                    seconds=round(time.perf_counter() - start, 3),
                )
            )
            if outcome in ("built", "refused"):
                break
        return attempts

    def _build_once(
        self, precision: Precision, engine: Path, timing_cache: Path, workspace_bytes: int
    ) -> tuple[Literal["built", "refused", "out-of-memory", "crashed", "killed", "timed-out"], str]:
        order = build_facts(self.bundle.onnx(precision), engine, self.options.settings(workspace_bytes), timing_cache)
        try:
            result = run_job("build", order, self.stack, timeout_s=self.options.build_timeout_s)
        except ChildDiedError as error:
            return error.death.value, error.message
        failed = result.get("failed")
        if failed == "disk":
            raise OSError(result["message"])
        if failed is not None:
            return failed, result["message"]
        return "built", ""

    def check(self, precision: Precision, engine: Path) -> tuple[tuple[OutputParity, ...], list[str]]:
        """The engine's answers against the golden ones, and what is wrong with them. Raises `EngineError` when the
        engine cannot be run."""
        if not self.bundle.manifest.golden:
            return (), ["the bundle has no golden pairs, so nothing shows that the engine is right"]
        result = self._ask("check", {"engine": str(engine)})
        parity = tuple(OutputParity.model_validate(found) for found in result["parity"])
        return parity, list(violations(parity, self.bundle.variant(precision).tolerances))

    def race(self, engines: Mapping[Precision, Path]) -> dict[Precision, Timing]:
        """Latencies of engines that take turns. Raises `EngineError` when that fails."""
        order = {
            "engines": {precision: str(engine) for precision, engine in engines.items()},
            "runs": self.options.runs,
        }
        seconds = self._ask("race", order)["seconds"]
        return {precision: _timing(seconds[precision]) for precision in engines}

    def _ask(self, job: str, order: Mapping[str, Any]) -> dict[str, Any]:
        facts = {"bundle": str(self.bundle.path), **order}
        result = run_job(job, facts, self.stack, timeout_s=self.options.check_timeout_s)
        if "failed" in result:
            raise EngineError(FallbackReason(result["reason"]), result["message"], remedy=result["remedy"])
        return result


def _timing(seconds: list[float]) -> Timing:
    ordered = sorted(seconds)
    return Timing(1000 * statistics.median(ordered), 1000 * ordered[round(0.95 * (len(ordered) - 1))])
