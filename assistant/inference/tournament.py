"""Which of the engines that answer right is used: INT8 has to earn its place, FP16 has it."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.inference.bundle import Precision
from assistant.inference.engine_cache import VariantResult
from assistant.inference.fallback import FallbackReason

INT8: Precision = "int8-trt"
Results = Mapping[Precision, VariantResult]


def standing(results: Results) -> list[Precision]:
    """Precisions with an engine that answers right."""
    return [precision for precision, result in results.items() if result.status == "lost"]


def pick_winner(results: Results, min_gain: float, int8: Precision = INT8) -> tuple[Precision | None, str]:
    """The winner and why. INT8 wins over a wider precision only with a median latency lower by `min_gain`."""
    remaining = standing(results)
    wider = [precision for precision in remaining if precision != int8]
    if not remaining:
        reasons = "; ".join(f"{precision}: {result.reason}" for precision, result in results.items())
        return None, f"No engine can be used. {reasons or 'The bundle has none of the precisions that were asked for.'}"
    if not wider:
        return int8, f"{int8} is the only engine that can be used."
    rival = wider[0]
    if int8 not in remaining:
        return rival, f"{rival} is the only engine that can be used."
    mine, other = results[int8].median_ms, results[rival].median_ms
    if mine is None or other is None:
        return rival, f"{rival}, because the race against {int8} could not be run."
    gain = 1 - mine / other
    figures = f"{int8} takes {mine:.3f} ms, {rival} {other:.3f} ms (median), a gain of {gain:.1%}"
    if gain >= min_gain:
        return int8, f"{figures}, at least the {min_gain:.0%} that are asked for."
    return rival, f"{figures}, less than the {min_gain:.0%} that are asked for."


def why_none(results: Results) -> FallbackReason:
    """The reason code where nobody won."""
    if any(result.status == "rejected" for result in results.values()):
        return FallbackReason.PARITY_FAILED
    return FallbackReason.BUILD_FAILED
