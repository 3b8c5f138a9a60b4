"""How far a variant is from its reference, and whether it may ship."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from assistant.inference.bundle import GateCheck, GoldenPair, OutputParity, Precision, Tolerance
from assistant.inference.parity import share_of_range
from export.recipe import Array, Network, Outputs, Recipe

COSINE = ": cosine"
"""How the names of conditions on an output's cosine end."""


class Verdict(BaseModel):
    """What the gate says of a variant."""

    model_config = ConfigDict(frozen=True, strict=True)

    parity: tuple[OutputParity, ...]
    gate: tuple[GateCheck, ...]
    tolerances: dict[str, Tolerance]
    samples: int

    @property
    def failures(self) -> tuple[str, ...]:
        """A sentence for each condition that is not met."""
        return failures(self.gate)


@dataclass(slots=True)
class _Worst:
    """The worst of one output so far."""

    cosine: float | None = 1.0
    max_error: float | None = 0.0
    of_range: float | None = 0.0
    not_finite: int = 0

    def add(self, reference: Array, variant: Array) -> None:
        self.not_finite += int(np.count_nonzero(~np.isfinite(variant)))
        self.cosine = _least(self.cosine, cosine_of(reference, variant))
        error = max_error(reference, variant)
        spread = float(np.ptp(reference.astype(np.float64))) if reference.size else 0.0
        self.max_error = _most(self.max_error, error)
        self.of_range = _most(self.of_range, None if error is None else share_of_range(error, spread))


def judge(recipe: Recipe, precision: Precision, network: Network, pairs: Iterable[GoldenPair]) -> Verdict:
    """Run a variant over the reference pairs and apply the recipe's gate. Streams: one pair is in memory at a time."""
    agreements: list[float] = []
    agreement = recipe.agreement
    samples = 0

    def watch(expected: Outputs, got: Outputs) -> None:
        nonlocal samples
        samples += 1
        if agreement is not None:
            agreements.append(agreement.measure(expected, got))

    parity = compare(network, pairs, watch)
    limits = dict(recipe.tolerances[precision])
    gate = list(tolerance_checks(parity, limits))
    if agreement is not None:
        gate.append(_at_least(agreement.name, float(np.mean(agreements)), agreement.minimum))
    return Verdict(parity=parity, gate=tuple(gate), tolerances=limits, samples=samples)


def compare(
    network: Network, pairs: Iterable[GoldenPair], watch: Callable[[Outputs, Outputs], None] | None = None
) -> tuple[OutputParity, ...]:
    """The worst of each output over all pairs; `watch` is called with (expected, got) of each."""
    worst: dict[str, _Worst] = {}
    for pair in pairs:
        outputs = network(pair.inputs)
        for name, expected in pair.outputs.items():
            worst.setdefault(name, _Worst()).add(expected, np.asarray(outputs[name]))
        if watch is not None:
            watch(pair.outputs, outputs)
    return tuple(
        OutputParity(
            output=name,
            cosine=item.cosine,
            max_error=item.max_error,
            max_error_of_range=item.of_range,
            not_finite=item.not_finite,
        )
        for name, item in worst.items()
    )


def failures(checks: Iterable[GateCheck]) -> tuple[str, ...]:
    """A sentence for each condition that is not met."""
    return tuple(_sentence(check) for check in checks if not check.passed)


def read_verdict(path: Path) -> Verdict:
    """A verdict that was written as JSON."""
    return Verdict.model_validate_json(path.read_bytes())


def cosine_of(reference: Array, variant: Array) -> float | None:
    """Cosine similarity of two arrays of one shape, flattened; 1 for two that are all zeros; None where undefined."""
    a, b = reference.astype(np.float64).ravel(), variant.astype(np.float64).ravel()
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    if norms == 0.0:
        return 1.0 if not a.any() and not b.any() else None
    return min(1.0, float(a @ b) / norms)


def max_error(reference: Array, variant: Array) -> float | None:
    """Largest absolute difference; None if it is not finite or the shapes differ."""
    if reference.shape != variant.shape:
        return None
    error = float(np.abs(reference.astype(np.float64) - variant.astype(np.float64)).max(initial=0.0))
    return error if math.isfinite(error) else None


def tolerance_checks(parity: Iterable[OutputParity], limits: dict[str, Tolerance]) -> Iterator[GateCheck]:
    """The conditions on values: all finite, and those outputs that have a tolerance within it."""
    for item in parity:
        finite = item.not_finite == 0
        yield GateCheck(name=f"{item.output}: NaN or infinite", value=item.not_finite, limit=0, passed=finite)
        if item.output not in limits:
            continue
        limit = limits[item.output]
        yield _at_least(f"{item.output}{COSINE}", item.cosine, limit.min_cosine)
        of_range = item.max_error_of_range
        passed = of_range is not None and of_range <= limit.max_error_of_range
        yield GateCheck(
            name=f"{item.output}: largest error of range", value=of_range, limit=limit.max_error_of_range, passed=passed
        )


def _at_least(name: str, value: float | None, limit: float) -> GateCheck:
    return GateCheck(name=name, value=value, limit=limit, passed=value is not None and value >= limit)


def _sentence(check: GateCheck) -> str:
    value = "undefined" if check.value is None else f"{check.value:.6g}"
    return f"{check.name} is {value}, the limit is {check.limit:g}"


def _least(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else min(a, b)


def _most(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else max(a, b)
