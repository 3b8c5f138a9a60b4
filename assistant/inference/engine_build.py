"""From a bundle to the fastest engine that is still right, on the device that will run it.

Each step that touches TensorRT is a child process. A build that crashes, hangs or runs out of memory is tried again
with less workspace; a precision that cannot be built or answers wrongly is left out; what remains races. The outcome,
also "none, because …", is published as a `Choice`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from assistant.inference.bundle import Bundle, Precision
from assistant.inference.engine_cache import Choice, EngineCache, VariantResult, bundle_sha256, now
from assistant.inference.engine_options import CompileOptions, CompileReport
from assistant.inference.engine_trial import EngineTrial, Timing
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.inference.fingerprint import EngineKey, HostFingerprint, engine_key, host_fingerprint, power_mode
from assistant.inference.stack import SYSTEM, DeviceStack
from assistant.inference.tournament import pick_winner, standing, why_none

Notify = Callable[[str], None]


def compile_bundle(
    bundle: Path,
    cache: Path,
    options: CompileOptions | None = None,
    *,
    stack: DeviceStack = SYSTEM,
    force: bool = False,
    wait_s: float = 3600.0,
    notify: Notify = lambda _: None,
) -> CompileReport:
    """Build, check and time the engines of a bundle and publish the best.

    A compilation that another process is doing is waited for, up to `wait_s`, and used. `force` builds anew. `notify`
    gets a sentence at each step. Raises `EngineError` without a driver, before anything is written, and when the cache
    cannot be written; `ModelError` for a bundle that is none, `IntegrityError` for an altered one.
    """
    start, started_at = time.perf_counter(), now()
    host = host_fingerprint(stack)
    opened = Bundle.open(bundle)
    opened.verify()
    store = EngineCache(cache)
    compilation = _Compilation(EngineTrial(opened, options or CompileOptions(), stack), store, host, notify)
    try:
        with store.building(opened.manifest.recipe, wait_s=wait_s):
            choice = None if force else compilation.current_choice(started_at)
            cached = choice is not None
            if choice is None:
                choice = compilation.run(reuse=not force)
                store.publish_choice(choice)
    except OSError as error:
        raise EngineError(
            FallbackReason.BUILD_FAILED,
            f"The engine cache {cache} cannot be written: {error}",
            remedy="Free some space, or name another folder.",
        ) from error
    return CompileReport(choice, cached, time.perf_counter() - start)


class _Compilation:
    """One bundle on one machine, while its lock is held."""

    def __init__(self, trial: EngineTrial, store: EngineCache, host: HostFingerprint, notify: Notify) -> None:
        self._trial, self._store, self._host, self._notify = trial, store, host, notify
        self._bundle, self._options = trial.bundle, trial.options
        self._recipe = trial.bundle.manifest.recipe
        self._bundle_sha256 = bundle_sha256(trial.bundle)

    def current_choice(self, started_at: datetime) -> Choice | None:
        """A choice that still holds, None if there has to be a new one."""
        try:
            choice = self._store.choice(self._recipe)
        except EngineError:
            return None
        wanted = (self._bundle_sha256, self._options.as_json(), self._host)
        if choice is None or (choice.bundle_sha256, choice.options, choice.host) != wanted:
            return None
        if choice.winner is None:
            # Who asks again after a failure wants another try, unless it failed while they waited for the lock.
            return choice if choice.built_at >= started_at else None
        return choice if self._store.published(self._recipe, self._key(choice.winner)) else None

    def run(self, *, reuse: bool) -> Choice:
        """Build, check, race."""
        shipped = [variant.precision for variant in self._bundle.manifest.variants]
        wanted = [precision for precision in self._options.precisions if precision in shipped]
        results = {precision: self._try(precision, reuse) for precision in wanted}
        # With nothing to try, or nothing that answers right; what cannot be built at all cannot be in FP32 either.
        imprecise = not results or any(result.status == "rejected" for result in results.values())
        if imprecise and not standing(results) and "fp32" in shipped and "fp32" not in results:
            results["fp32"] = self._try("fp32", reuse)
        mode = power_mode()
        self._race(results)
        winner, reason = pick_winner(results, self._options.min_gain)
        if winner is not None:
            results[winner] = results[winner].model_copy(update={"status": "won"})
        self._notify(reason)
        return Choice(
            recipe=self._recipe,
            bundle_sha256=self._bundle_sha256,
            options=self._options.as_json(),
            host=self._host,
            power_mode=mode,
            built_at=now(),
            winner=winner,
            engine=self._key(winner).digest if winner else None,
            reason_code=None if winner else why_none(results),
            reason=reason,
            variants=tuple(results.values()),
        )

    def _key(self, precision: Precision) -> EngineKey:
        settings = self._options.settings(self._options.workspace_bytes)
        return engine_key(self._host, self._bundle.variant(precision).sha256, precision, settings)

    def _engine(self, precision: Precision) -> Path:
        return self._store.engine(self._recipe, self._key(precision).digest)

    def _try(self, precision: Precision, reuse: bool) -> VariantResult:
        """Build one precision, unless an interrupted compilation left its engine, and check its answers."""
        result = VariantResult(precision=precision, status="lost", reason="It answers right.")
        key = self._key(precision)
        if not (reuse and self._store.published(self._recipe, key)):
            self._notify(f"Building the {precision} engine of {self._recipe} …")
            attempts = self._trial.build(precision, self._engine(precision), self._store.timing_cache(self._host))
            result = result.model_copy(update={"attempts": tuple(attempts)})
            if attempts[-1].outcome != "built":
                return self._out(result, "failed", attempts[-1].message)
            self._store.publish_engine(self._recipe, key, attempts[-1].workspace_bytes)
        self._notify(f"Checking the {precision} engine of {self._recipe} …")
        try:
            answers = self._trial.check(precision, self._engine(precision))
        except EngineError as error:
            return self._out(result, "failed", error.message)
        result = _timed(result.model_copy(update={"parity": answers.parity}), answers.timing)
        return self._out(result, "rejected", "; ".join(answers.wrong)) if answers.wrong else result

    def _out(self, result: VariantResult, status: Literal["rejected", "failed"], reason: str) -> VariantResult:
        self._notify(f"The {result.precision} engine of {self._recipe} is out: {reason}")
        return result.model_copy(update={"status": status, "reason": reason})

    def _race(self, results: dict[Precision, VariantResult]) -> None:
        """Time those that are still in against each other; if that fails, nobody's time counts."""
        engines = {precision: self._engine(precision) for precision in standing(results)}
        if len(engines) < 2:
            return
        try:
            timings: Mapping[Precision, Timing | None] = self._trial.race(engines)
        except EngineError as error:
            self._notify(f"The race could not be run: {error.message}")
            timings = dict.fromkeys(engines)
        for precision, timing in timings.items():
            results[precision] = _timed(results[precision], timing)


def _timed(result: VariantResult, timing: Timing | None) -> VariantResult:
    figures = (None, None) if timing is None else (round(timing.median_ms, 4), round(timing.p95_ms, 4))
    return result.model_copy(update=dict(zip(("median_ms", "p95_ms"), figures, strict=True)))
