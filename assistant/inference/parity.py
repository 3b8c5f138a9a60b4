"""Whether an engine answers as the bundle promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.inference.bundle import GoldenPair, OutputParity, Tolerance
from assistant.ports import InferenceSession


def measure_parity(session: InferenceSession, pairs: Iterable[GoldenPair]) -> tuple[OutputParity, ...]:
    """The worst of each output over all pairs."""
    worst: dict[str, OutputParity] = {}
    for pair in pairs:
        outputs = session.run(pair.inputs)
        for name, expected in pair.outputs.items():
            found = compare(name, expected, outputs[name])
            worst[name] = _worse(worst[name], found) if name in worst else found
    return tuple(worst.values())


def compare(name: str, expected: npt.NDArray[Any], got: npt.NDArray[Any]) -> OutputParity:
    """One output against the golden one."""
    want, have = expected.astype(np.float64).ravel(), got.astype(np.float64).ravel()
    not_finite = int(np.count_nonzero(~np.isfinite(have)))
    if not_finite or want.shape != have.shape:
        return OutputParity(
            output=name, cosine=None, max_error=None, max_error_of_range=None, not_finite=max(not_finite, 1)
        )
    norms = float(np.linalg.norm(want) * np.linalg.norm(have))
    error = float(np.max(np.abs(want - have), initial=0.0))
    spread = float(np.ptp(want)) if want.size else 0.0
    return OutputParity(
        output=name,
        cosine=float(want @ have) / norms if norms else None,
        max_error=error,
        max_error_of_range=share_of_range(error, spread),
        not_finite=0,
    )


def share_of_range(error: float, spread: float) -> float:
    """The error as a share of the output's range; where all its values are one, as of an output with a single value,
    the error itself."""
    return error / spread if spread > 0.0 else error


def violations(parity: Iterable[OutputParity], tolerances: Mapping[str, Tolerance]) -> Iterator[str]:
    """What is out of tolerance, in words. An output without a tolerance must be finite and no more."""
    for found in parity:
        if found.not_finite:
            yield f"'{found.output}' has {found.not_finite} values that are not finite, or another shape"
        elif limit := tolerances.get(found.output):
            # All zeros have no direction: there, the error decides.
            if found.cosine is not None and found.cosine < limit.min_cosine:
                yield f"'{found.output}' has cosine {found.cosine:.6f}, expected at least {limit.min_cosine:g}"
            error = found.max_error_of_range
            if error is None or error > limit.max_error_of_range:
                yield (
                    f"'{found.output}' is off by {'any' if error is None else f'{error:.4f}'} of its range, "
                    f"expected at most {limit.max_error_of_range:g}"
                )


def _worse(one: OutputParity, other: OutputParity) -> OutputParity:
    cosines = [found.cosine for found in (one, other) if found.cosine is not None]
    return OutputParity(
        output=one.output,
        cosine=min(cosines, default=None),
        max_error=_larger(one.max_error, other.max_error),
        max_error_of_range=_larger(one.max_error_of_range, other.max_error_of_range),
        not_finite=one.not_finite + other.not_finite,
    )


def _larger(one: float | None, other: float | None) -> float | None:
    """None, an error without measure, is larger than any."""
    return None if one is None or other is None else max(one, other)
