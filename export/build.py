"""`assistant-export build`: every workstation stage of a recipe, from weights to a published bundle."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant.errors import ModelError
from assistant.inference.bundle import PRECISIONS, Precision, Rejected
from assistant.models.progress import Progress
from assistant.models.store import ModelStore
from export.bundle import Draft, VariantDraft, check_labels, read_contract
from export.errors import GateError
from export.lint import TARGETS
from export.lint.tensorrt_rtx import RULE as TENSORRT_RTX
from export.lint.tensorrt_rtx import tensorrt_rtx_version
from export.parity import Verdict
from export.pipeline import CONTRACT, MODEL, Pipeline
from export.publishing import publish
from export.recipe import Recipe
from export.samples import SampleSet, sample_set
from export.stages import StageCache, StageResult, tool_versions

LINT_TARGETS = tuple(TARGETS)
_SPARED_SHARES = (0.1, 0.25, 0.5, 0.75)
"""Shares of the layers, the most sensitive first, that are left out of INT8 until the gate is passed."""
_FOR_TENSORRT: tuple[Precision, ...] = ("fp32", "fp16", "int8-trt")


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What the command line says."""

    out: Path
    """The bundle becomes `<out>/<recipe>`."""
    cache: Path
    precisions: tuple[Precision, ...] = PRECISIONS
    """Besides FP32, which is always built: it is what the others are compared with, and the last resort."""
    calibration: Path | None = None
    prune: float = 0.0
    """Share of each layer's weights (or channels) that goes."""
    prune_channels: bool = False


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build did."""

    recipe: str
    bundle: Path
    stages_run: tuple[str, ...]
    """Empty: everything was found in the cache."""
    published: bool
    """False: the very same bundle was there."""
    shipped: tuple[Precision, ...]
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """A build after its first stages."""

    pipeline: Pipeline
    exported: StageResult
    fp32: StageResult
    """What was exported, pruned if that was asked for."""
    reference: StageResult
    pruned: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One precision after all its stages."""

    precision: Precision
    model: StageResult
    verdict: Verdict
    findings: Sequence[Mapping[str, Any]]
    spared: Sequence[str] = ()
    """Layers that are not INT8."""
    hindrance: str = ""
    """What kept other layers from being tried out of INT8."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it may not ship; empty if it may. Lint blocks only what nothing but TensorRT runs."""
        blocking = [item for item in self.findings if item["severity"] == "error" and self.precision == "int8-trt"]
        refused = (f"{item['target']} refuses {item['node']}: {item['message']}" for item in blocking)
        hindered = (f"layers could not be spared: {self.hindrance}",) if self.hindrance else ()
        return (*self.verdict.failures, *refused, *hindered)


def build(recipe: Recipe, store: ModelStore, options: BuildOptions, progress: Progress) -> BuildResult:
    """Build one recipe's bundle.

    Raises `ModelMissingError` when its weights or samples are not here, `GateError` when not even the FP32 graph
    agrees with its source, whatever the stages of FP32 raise, and `OSError` or `MemoryError` for a machine without
    room; then the bundle that was there stays. Another precision that cannot be made is rejected with the reason.
    """
    cache = StageCache(options.cache, recipe.name, progress)
    with cache.locked():
        samples = sample_set(recipe, store, options.calibration)
        pipeline = Pipeline(recipe, store, cache, samples)
        exported = pipeline.export()
        # Now, not after the stages that take minutes.
        check_labels(recipe.card(store), read_contract(exported.path(CONTRACT)).outputs)
        reference = pipeline.reference(exported)
        fp32 = pipeline.prune(exported, options.prune, options.prune_channels) if options.prune else exported
        run = _Run(pipeline, exported, fp32, reference, pruned=bool(options.prune))
        first = _attempt(run, "fp32", ())
        if first.reasons:
            raise _gate_error(recipe, first.reasons, options.prune)
        tried = [_tried(run, precision) for precision in PRECISIONS[1:] if precision in options.precisions]
        outcomes = [first, *(item for item in tried if isinstance(item, _Outcome))]
        rejected = [item for item in tried if isinstance(item, Rejected)]
        draft = _draft(recipe, store, options, samples, run, outcomes, rejected)
        published = publish(options.out / recipe.name, draft, cache.hashes, progress.note)
        cache.keep_only_used()
    return BuildResult(
        recipe.name,
        options.out / recipe.name,
        tuple(pipeline.stages_run),
        published,
        tuple(outcome.precision for outcome in outcomes),
        tuple(rejected),
    )


def _tried(run: _Run, precision: Precision) -> _Outcome | Rejected:
    """A variant that may ship, or why there is none. What fails in one precision takes nothing from the others.

    A full disk or memory is no reason: raises `OSError` or `MemoryError`.
    """
    try:
        outcome = _precision(run, precision)
    except ModelError as error:
        return Rejected(precision=precision, reasons=(error.message.rstrip("."),))
    return Rejected(precision=precision, reasons=outcome.reasons) if outcome.reasons else outcome


def _precision(run: _Run, precision: Precision) -> _Outcome:
    """A variant that passes the gate, if there is one: of INT8, with as many INT8 layers as that allows."""
    outcome = _attempt(run, precision, ())
    if not precision.startswith("int8") or not outcome.verdict.failures:
        return outcome
    try:
        for spared in _spared(run):
            outcome = _attempt(run, precision, spared)
            if not outcome.verdict.failures:
                break
    except ModelError as error:  # what the gate said of those that were made counts still
        return replace(outcome, hindrance=error.message.rstrip("."))
    return outcome


def _spared(run: _Run) -> Iterator[Sequence[str]]:
    """The layers to leave out of INT8, more each time."""
    ranking = [layer.node for layer in run.pipeline.rank_layers(run.fp32, run.exported)]
    for share in _SPARED_SHARES:
        spared = ranking[: math.ceil(share * len(ranking))]
        if len(spared) == len(ranking):
            break  # a small network: with all of its layers spared nothing would be left to quantize
        yield spared


def _attempt(run: _Run, precision: Precision, spared: Sequence[str]) -> _Outcome:
    pipeline = run.pipeline
    model = run.fp32 if precision == "fp32" else pipeline.emit(precision, run.fp32, run.exported, spared)
    # What is pruned is no longer the source's network to the last digit, in whatever precision.
    verdict = pipeline.judge(precision, "int8-ort" if run.pruned else precision, model, run.reference)
    # What has failed already is not linted: TensorRT's builder takes long over a large network.
    linted = precision in _FOR_TENSORRT and not verdict.failures
    findings = pipeline.lint(precision, LINT_TARGETS, model) if linted else []
    return _Outcome(precision, model, verdict, findings, spared)


def _draft(
    recipe: Recipe,
    store: ModelStore,
    options: BuildOptions,
    samples: SampleSet,
    run: _Run,
    outcomes: Sequence[_Outcome],
    rejected: Sequence[Rejected],
) -> Draft:
    models: dict[Precision, Path] = {outcome.precision: outcome.model.path(MODEL) for outcome in outcomes}
    hashes: dict[Precision, str] = {outcome.precision: outcome.model.files[MODEL] for outcome in outcomes}
    golden = run.pipeline.golden(run.reference)
    measured = run.pipeline.measure(models, hashes, run.reference)
    return Draft(
        recipe=recipe.name,
        card=recipe.card(store),
        contract=read_contract(run.exported.path(CONTRACT)),
        source=run.pipeline.source_hashes,
        calibration=_calibration_text(samples, sorted(run.pipeline.sample_network_hashes), outcomes),
        variants=[
            VariantDraft(
                outcome.precision, models[outcome.precision], hashes[outcome.precision], outcome.verdict, outcome.spared
            )
            for outcome in outcomes
        ],
        rejected=rejected,
        golden={golden.path(name): golden.files[name] for name in sorted(golden.files)},
        evidence=_evidence(run, outcomes),
        measurements=measured.path("measurements.json").read_text(encoding="utf-8"),
        pruned=options.prune,
        pruned_channels=options.prune_channels,
        tools=_tools(),
    )


def _tools() -> dict[str, str]:
    parser = tensorrt_rtx_version()
    return tool_versions() | ({TENSORRT_RTX: parser} if parser else {})


def _evidence(run: _Run, outcomes: Sequence[_Outcome]) -> dict[str, str]:
    found: dict[str, Any] = {"lint.json": {outcome.precision: list(outcome.findings) for outcome in outcomes}}
    if run.pipeline.calibrated:
        found["calibration.json"] = run.pipeline.calibration_evidence(run.fp32, run.exported)
    for outcome in outcomes:
        if outcome.precision != "fp32":
            noise = run.pipeline.noise(outcome.precision, run.fp32, outcome.model, run.reference)
            found[f"noise-{outcome.precision}.json"] = noise
    return {name: json.dumps(content, indent=1, sort_keys=True) + "\n" for name, content in found.items()}


def _calibration_text(samples: SampleSet, networks: Sequence[str], outcomes: Sequence[_Outcome]) -> str:
    validated = outcomes[0].verdict.samples
    made_with = f", made with {', '.join(networks)}" if networks else ""
    return f"{samples.origin}{made_with}; compared on {validated} samples, {samples.held_out}"


def _gate_error(recipe: Recipe, reasons: Sequence[str], prune: float) -> GateError:
    return GateError(
        f"The FP32 graph of {recipe.name} does not agree with its source: {'; '.join(reasons)}.",
        remedy="Prune less." if prune else f"Mend the export in {recipe.file.name}.",
    )
