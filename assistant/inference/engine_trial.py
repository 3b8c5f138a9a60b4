"""The trials of one bundle's engines, each in a child process: build, check, race."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assistant.inference.build_job import build_facts
from assistant.inference.bundle import Bundle, OutputParity, Precision
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
class Answers:
    """What an engine answered."""

    parity: tuple[OutputParity, ...]
    wrong: tuple[str, ...]
    """What is out of tolerance, in words."""
    timing: Timing | None
    """Without a rival; None where nothing could be run."""


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

    def check(self, precision: Precision, engine: Path) -> Answers:
        """Compare the engine's answers with the golden ones. Raises `EngineError` when it cannot be run."""
        if not self.bundle.manifest.golden:
            return Answers((), ("the bundle has no golden pairs, so nothing shows that the engine is right",), None)
        result = self._ask("check", {"engine": str(engine)})
        parity = tuple(OutputParity.model_validate(found) for found in result["parity"])
        wrong = tuple(violations(parity, self.bundle.variant(precision).tolerances))
        return Answers(parity, wrong, _timing(result["seconds"]))

    def race(self, engines: Mapping[Precision, Path]) -> dict[Precision, Timing]:
        """Latencies of engines that take turns. Raises `EngineError` when that fails."""
        order = {"engines": {precision: str(engine) for precision, engine in engines.items()}}
        seconds = self._ask("race", order)["seconds"]
        return {precision: _timing(seconds[precision]) for precision in engines}

    def _ask(self, job: str, order: Mapping[str, Any]) -> dict[str, Any]:
        facts = {"bundle": str(self.bundle.path), "runs": self.options.runs, **order}
        result = run_job(job, facts, self.stack, timeout_s=self.options.check_timeout_s)
        if "failed" not in result:
            return result
        reason = FallbackReason(result.get("reason", FallbackReason.BUILD_FAILED))
        raise EngineError(reason, result["message"], remedy=result.get("remedy"))


def _timing(seconds: list[float]) -> Timing:
    ordered = sorted(seconds)
    return Timing(1000 * statistics.median(ordered), 1000 * ordered[round(0.95 * (len(ordered) - 1))])
