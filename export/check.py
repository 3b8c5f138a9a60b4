"""`assistant-export check`: whether a bundle is what its manifest says, and computes what it should."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from assistant.errors import AssistantError
from assistant.inference.bundle import Bundle, Variant
from export.build import LINT_TARGETS
from export.bundle import contracts
from export.errors import ConversionError
from export.lint import lint_model
from export.onnx_file import read_onnx
from export.parity import compare, failures, tolerance_checks
from export.reference import exact_network


def check_bundle(path: Path, as_json: bool) -> int:
    """Print what was checked; 1 if something is wrong. Raises `ModelError` if it is no bundle at all."""
    bundle = Bundle.open(path)
    results = list(_results(bundle))
    if as_json:
        rows = [{"check": name, "ok": not problem, "problem": problem} for name, problem in results]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for name, problem in results:
            typer.echo(f"{'wrong' if problem else 'ok':6} {name}{': ' if problem else ''}{problem}")
    return 1 if any(problem for _, problem in results) else 0


def _results(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """(what was checked, what is wrong with it or nothing)."""
    altered = _problem(bundle.verify)
    yield "hashes", altered
    if altered:
        return  # what was altered is not run
    for variant in bundle.manifest.variants:
        yield (
            f"{variant.precision}: tensor contract",
            _problem(functools.partial(_check_contract, bundle, variant)),
        )
        yield f"{variant.precision}: golden pairs", _problem(functools.partial(_check_golden, bundle, variant))
        if variant.precision != "int8-ort":
            yield f"{variant.precision}: lint", _problem(functools.partial(_check_lint, bundle, variant))


def _problem(check: Callable[[], None]) -> str:
    try:
        check()
    except AssistantError as error:
        return str(error)
    return ""


def _check_contract(bundle: Bundle, variant: Variant) -> None:
    graph = read_onnx(bundle.onnx(variant.precision)).graph
    manifest = bundle.manifest
    for kind, values, expected in (
        ("input", graph.input, manifest.inputs),
        ("output", graph.output, manifest.outputs),
    ):
        got = {tensor.name: f"{tensor.dtype} {list(tensor.shape)}" for tensor in contracts(values)}
        wanted = {tensor.name: f"{tensor.dtype} {list(tensor.shape)}" for tensor in expected}
        if got != wanted:
            raise ConversionError(f"{variant.file}: expected the {kind}s {wanted}, got {got}.")


def _check_golden(bundle: Bundle, variant: Variant) -> None:
    network = exact_network(bundle.onnx(variant.precision))
    parity = compare(network, bundle.golden())
    problems = failures(tolerance_checks(parity, variant.tolerances))
    if problems:
        raise ConversionError(f"{variant.file}: {'; '.join(problems)}.")


def _check_lint(bundle: Bundle, variant: Variant) -> None:
    for target in LINT_TARGETS:
        errors = [item for item in lint_model(bundle.onnx(variant.precision), target) if item.severity == "error"]
        if errors:
            raise ConversionError(f"{target} refuses {errors[0].node}: {errors[0].message}", remedy=errors[0].remedy)
