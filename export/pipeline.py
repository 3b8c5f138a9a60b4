"""The stages of a build, each with what its result depends on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.inference.bundle import Precision
from assistant.models.hashing import hash_file
from assistant.models.store import ModelStore
from export.parity import Verdict, judge, read_verdict
from export.recipe import Recipe, SampleTools
from export.reference import exact_network, read_pairs, write_golden, write_reference
from export.samples import SampleSet, feeds_of
from export.stages import Stage, StageCache, StageResult

if TYPE_CHECKING:
    from export.quantize import LayerSensitivity

MODEL = "model.onnx"
CONTRACT = "contract.json"
GOLDEN_PAIRS = 2
"""In a bundle. More would be a larger download for a device that only asks whether an engine is right."""
_CALIBRATION = "calibration.npz"
_RANKING_SAMPLES = 1
"""A ranking takes a run of the network for each layer and sample: minutes for a large network, and one tells enough."""
_MOST_DB = 200.0
"""Instead of infinity, which JSON has not: more than any float32 can tell."""


class Pipeline:
    """The stages of one recipe. Every method runs one, or finds its result."""

    def __init__(self, recipe: Recipe, store: ModelStore, cache: StageCache, samples: SampleSet) -> None:
        self.stages_run: list[str] = []
        self.calibrated = False
        """Whether a precision has asked for a calibration, and there is one."""
        self.sources = list(recipe.sources(store))
        self.source_hashes = {path.name: hash_file(path)[0] for path in self.sources}
        self.sample_network_hashes = {path.name: hash_file(path)[0] for path in recipe.sample_networks(store)}
        self._recipe = recipe
        self._store = store
        self._cache = cache
        self._samples = samples
        # Samples may hold what the source network, or another, makes of a file.
        self._sampled = {**self.source_hashes, **self.sample_network_hashes, **samples.hashes()}

    def export(self) -> StageResult:
        """The FP32 graph."""
        from export.bundle import write_contract
        from export.onnx_file import read_onnx

        def work(folder: Path) -> None:
            self._recipe.export(self.sources, folder / MODEL)
            write_contract(read_onnx(folder / MODEL), folder / CONTRACT)

        code = ("export.onnx_file", self._recipe.file)
        return self._run("export", "export", code, self.source_hashes, work)

    def reference(self, exported: StageResult) -> StageResult:
        """What the source network makes of the validation samples."""

        def work(folder: Path) -> None:
            tools = self._tools(exported)
            feeds = feeds_of(self._recipe, self._samples, "validation", tools, exported.path(MODEL))
            write_reference(tools.network, feeds, folder)

        inputs = {MODEL: exported.files[MODEL], **self._sampled}
        return self._run("reference", "reference outputs", self._sampling("export.reference"), inputs, work)

    def golden(self, reference: StageResult) -> StageResult:
        """The first reference pairs, for the bundle."""

        def work(folder: Path) -> None:
            write_golden(reference.folder, GOLDEN_PAIRS, folder)

        return self._run(
            "golden", "golden pairs", ("export.reference",), reference.files, work, {"pairs": GOLDEN_PAIRS}
        )

    def prune(self, exported: StageResult, share: float, structured: bool) -> StageResult:
        """The FP32 graph without its smallest weights, or channels."""
        from export.prune import prune

        def work(folder: Path) -> None:
            prune(exported.path(MODEL), share, folder / MODEL, structured)

        configuration = {"share": share, "structured": structured}
        return self._run("prune", f"prune {share:.0%}", ("export.prune",), exported.files, work, configuration)

    def rank_layers(self, fp32: StageResult, exported: StageResult) -> list[LayerSensitivity]:
        """The layers with weights by what INT8 in each alone does to the outputs, the worst first."""
        from export.quantize import LayerSensitivity, sensitivity

        calibration = self._calibrate(fp32, exported)

        def work(folder: Path) -> None:
            feeds = feeds_of(self._recipe, self._samples, "calibration", self._tools(exported), fp32.path(MODEL))
            few = itertools.islice(feeds, _RANKING_SAMPLES)
            ranking = sensitivity(fp32.path(MODEL), calibration.path(_CALIBRATION), few, "int8-trt")
            rows = [asdict(replace(layer, sqnr_db=_finite(layer.sqnr_db))) for layer in ranking]
            (folder / "sensitivity.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")

        inputs = {**fp32.files, **calibration.files, **self._sampled}
        code = self._sampling("export.quantize")
        done = self._run("sensitivity", "rank layers", code, inputs, work, {"samples": _RANKING_SAMPLES})
        rows = json.loads(done.path("sensitivity.json").read_text(encoding="utf-8"))
        return [LayerSensitivity(**row) for row in rows]

    def emit(
        self, precision: Precision, fp32: StageResult, exported: StageResult, spared: Sequence[str] = ()
    ) -> StageResult:
        """The graph in another precision, without the nodes `spared`."""
        from export.quantize import QuantizeOptions, emit

        options = QuantizeOptions(
            exclude_operators=self._recipe.quantize_exclude,
            exclude_nodes=tuple(spared),
            products=self._recipe.quantize_products,
        )
        calibration = self._calibrate(fp32, exported) if precision.startswith("int8") else None
        ranges = calibration.path(_CALIBRATION) if calibration is not None else None

        def work(folder: Path) -> None:
            emit(fp32.path(MODEL), ranges, precision, options, folder / MODEL)

        inputs = {**fp32.files, **(calibration.files if calibration is not None else {})}
        code = ("export.quantize",)
        return self._run(f"emit-{precision}", f"emit {precision}", code, inputs, work, asdict(options))

    def judge(self, precision: Precision, limits: Precision, model: StageResult, reference: StageResult) -> Verdict:
        """Parity and the gate, by the tolerances of the precision `limits`."""
        recipe = self._recipe

        def work(folder: Path) -> None:
            verdict = judge(recipe, limits, exact_network(model.path(MODEL)), read_pairs(reference.folder))
            (folder / "verdict.json").write_text(verdict.model_dump_json(indent=1), encoding="utf-8")

        configuration = {name: item.model_dump() for name, item in recipe.tolerances[limits].items()}
        inputs = {**model.files, "reference": reference.sha256}
        code = ("export.parity", "export.reference", recipe.file)
        done = self._run(f"parity-{precision}", f"parity of {precision}", code, inputs, work, configuration)
        return read_verdict(done.path("verdict.json"))

    def lint(self, precision: Precision, targets: Sequence[str], model: StageResult) -> list[dict[str, Any]]:
        """TensorRT findings, each with the target that it is for."""
        from export.lint import INTERRUPTED, lint_model, tensorrt_rtx_version

        def work(folder: Path) -> None:
            findings = [
                {"target": target, **asdict(finding)}
                for target in targets
                for finding in lint_model(model.path(MODEL), target)
            ]
            (folder / "lint.json").write_text(json.dumps(findings, indent=1), encoding="utf-8")

        # Where TensorRT-RTX was installed since, it has a word to say too.
        configuration = {"targets": list(targets), "parser": tensorrt_rtx_version()}
        done = self._run(f"lint-{precision}", f"lint {precision}", ("export.lint",), model.files, work, configuration)
        found = list(json.loads(done.path("lint.json").read_text(encoding="utf-8")))
        if any(item["rule"] == INTERRUPTED for item in found):
            self._cache.drop(done)
        return found

    def noise(
        self, precision: Precision, fp32: StageResult, model: StageResult, reference: StageResult
    ) -> list[dict[str, Any]]:
        """The signal-to-quantization-noise ratio at every layer's output, in the graph's order."""
        from export.quantize import per_layer_sqnr

        def work(folder: Path) -> None:
            samples = (pair.inputs for pair in itertools.islice(read_pairs(reference.folder), GOLDEN_PAIRS))
            layers = per_layer_sqnr(fp32.path(MODEL), model.path(MODEL), samples)
            rows = [asdict(replace(layer, sqnr_db=_finite(layer.sqnr_db))) for layer in layers]
            (folder / "noise.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")

        inputs = {"fp32": fp32.sha256, "variant": model.sha256, "reference": reference.sha256}
        done = self._run(f"noise-{precision}", f"noise of {precision}", ("export.quantize",), inputs, work)
        return list(json.loads(done.path("noise.json").read_text(encoding="utf-8")))

    def calibration_evidence(self, fp32: StageResult, exported: StageResult) -> dict[str, Any]:
        """What calibration saw and decided, for the report."""
        from export.calibration import read_calibration
        from export.calibration_evidence import calibration_evidence

        calibration = self._calibrate(fp32, exported)

        def work(folder: Path) -> None:
            found = calibration_evidence(read_calibration(calibration.path(_CALIBRATION)))
            (folder / "calibration.json").write_text(json.dumps(found), encoding="utf-8")

        code = ("export.calibration_evidence",)
        done = self._run("calibration-evidence", "calibration's histograms", code, calibration.files, work)
        return dict(json.loads(done.path("calibration.json").read_text(encoding="utf-8")))

    def measure(
        self, models: Mapping[Precision, Path], hashes: Mapping[Precision, str], reference: StageResult
    ) -> StageResult:
        """Latencies of the variants on this machine, as `measurements.json`."""
        from assistant.telemetry.machine import describe_machine

        def work(folder: Path) -> None:
            from export.measure import write_measurements  # imports onnxruntime: only where something is run

            write_measurements(models, next(read_pairs(reference.folder)), folder / "measurements.json")

        machine = {"machine": str(describe_machine())}
        inputs = {str(precision): sha256 for precision, sha256 in hashes.items()}
        return self._run("measure", "latency", ("export.measure",), inputs, work, machine)

    def _calibrate(self, fp32: StageResult, exported: StageResult) -> StageResult:
        from export.calibration import calibrate

        method = self._recipe.calibration_method

        def work(folder: Path) -> None:
            feeds = feeds_of(self._recipe, self._samples, "calibration", self._tools(exported), fp32.path(MODEL))
            calibrate(fp32.path(MODEL), feeds, method, folder / _CALIBRATION)

        inputs = {**fp32.files, **self._sampled}
        code = self._sampling("export.calibration")
        done = self._run("calibrate", "calibrate", code, inputs, work, {"method": method})
        self.calibrated = True
        return done

    def _tools(self, exported: StageResult) -> SampleTools:
        if self._recipe.reference is not None:
            return SampleTools(self._store, self._recipe.reference(self.sources))
        return SampleTools(self._store, exact_network(exported.path(MODEL)))

    def _sampling(self, module: str) -> tuple[str | Path, ...]:
        return (module, "export.samples", self._recipe.file)

    def _run(
        self,
        name: str,
        title: str,
        code: Sequence[str | Path],
        inputs: Mapping[str, str],
        work: Callable[[Path], None],
        configuration: Mapping[str, Any] | None = None,
    ) -> StageResult:
        stage = Stage(name, f"{self._recipe.name}: {title}", code, inputs, configuration or {})
        result = self._cache.run(stage, work)
        if not result.cached:
            self.stages_run.append(name)
        return result


def _finite(decibels: float) -> float:
    return max(-_MOST_DB, min(decibels, _MOST_DB))
