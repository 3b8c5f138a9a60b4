"""What a soak's samples say: what grows, and what stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Sample:
    """The process after a conversation."""

    wall_s: float
    turns: int
    threads: int
    descriptors: int
    rss_mb: float
    """Of the assistant's own process."""
    uss_mb: float
    """What would be freed if it ended."""
    voices_rss_mb: float
    """Of the voices' process."""
    objects: int
    """Python objects that the collector watches."""
    cpu_s: float
    """Processor seconds of both processes in this conversation."""
    turn_p95_s: float
    """Wall seconds of the turns of this conversation; in virtual time, without the playing."""


GROWTH = {
    "rss_mb": (0.03, 15.0),
    "voices_rss_mb": (0.05, 15.0),
    "objects": (0.02, 2000.0),
    "threads": (0.0, 1.0),
    "descriptors": (0.0, 2.0),
    "cpu_s": (0.25, 0.5),
    "turn_p95_s": (1.0, 0.5),
}
"""What may grow, as a share and absolutely; whichever is more. Times may grow more: other programs take their share."""


def verdict(samples: Sequence[Sample]) -> dict[str, Any]:
    """Each figure's median in the second and in the last quarter of the run, the first quarter being warm-up, and
    whether it grew. Raises `ValueError` for fewer than eight samples."""
    if len(samples) < 8:
        raise ValueError(f"Eight conversations are needed to tell growth, got {len(samples)}.")
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    figures: dict[str, Any] = {}
    for name, (share, absolute) in GROWTH.items():
        before, after = (float(np.median([getattr(sample, name) for sample in part])) for part in (early, late))
        figures[name] = {"early": before, "late": after, "grows": after - before > max(share * before, absolute)}
    return figures
