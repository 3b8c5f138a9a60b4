"""`assistant-export check`: whether a bundle is what its manifest says, and computes what it should."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from assistant.errors import AssistantError
from assistant.inference.bundle import Bundle, Variant
from export.build import LINT_TARGETS
from export.bundle import contracts
from export.errors import ConversionError
from export.lint import lint_model
from export.onnx_file import read_onnx
from export.parity import COSINE, compare, failures, tolerance_checks
from export.progress import working
from export.reference import exact_network


@dataclass(frozen=True, slots=True)
class _Check:
    """One thing that was looked at."""

    name: str
    problem: str
    """What is wrong with it; empty if nothing is."""
    note: str = ""
    """What is worth knowing and not wrong."""


def check_bundle(path: Path, as_json: bool) -> int:
    """Print what was checked; 1 if something is wrong. Raises `ModelError` if it is no bundle at all."""
    bundle = Bundle.open(path)
    with working(f"check {path.name}"):
        checks = list(_checks(bundle))
    if as_json:
        rows = [
            {"check": item.name, "ok": not item.problem, "problem": item.problem, "note": item.note} for item in checks
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for item in checks:
            words = item.problem or item.note
            typer.echo(f"{'wrong' if item.problem else 'ok':6} {item.name}{': ' if words else ''}{words}")
    return 1 if any(item.problem for item in checks) else 0


def _checks(bundle: Bundle) -> Iterator[_Check]:
    altered = _problem(bundle.verify)
    yield _Check("hashes", altered)
    if altered:
        return  # what was altered is not run
    for variant in bundle.manifest.variants:
        name = variant.precision
        yield _Check(f"{name}: gate", _problem(functools.partial(_check_gate, variant)))
        yield _Check(f"{name}: tensor contract", _problem(functools.partial(_check_contract, bundle, variant)))
        yield _Check(f"{name}: golden pairs", _problem(functools.partial(_check_golden, bundle, variant)))
        if name != "int8-ort":
            refused = _problem(functools.partial(_check_lint, bundle, variant))
            # As in the build: what onnxruntime runs too may ship, whatever TensorRT says of it.
            yield _Check(f"{name}: lint", *((refused, "") if name == "int8-trt" else ("", refused)))


def _problem(check: Callable[[], None]) -> str:
    try:
        check()
    except AssistantError as error:
        return str(error)
    return ""


def _check_gate(variant: Variant) -> None:
    """That it passed, by the tolerances that the golden pairs are compared with here and on a device."""
    limits = {check.name: check.limit for check in variant.gate}
    expected = {check.name: check.limit for check in tolerance_checks(variant.parity, variant.tolerances)}
    compared = {name for name in limits if name.endswith(COSINE)}
    if problems := failures(variant.gate):
        raise ConversionError(f"{variant.file} did not pass: {'; '.join(problems)}.")
    if not expected or not compared <= expected.keys() or expected.items() - limits.items():
        raise ConversionError(
            f"{variant.file}: its tolerances are not those of the gate that it passed.",
            remedy="The manifest was edited. Build it again: assistant-export build RECIPE",
        )


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
    if not bundle.manifest.golden:
        raise ConversionError(
            "The manifest names no golden pair to compare with.",
            remedy="Build it again: assistant-export build RECIPE",
        )
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
