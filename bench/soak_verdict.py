"""What a soak's samples say: what grows, what fails, and what stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class Sample:
    """A conversation, and the process after it."""

    wall_s: float
    """Since the beginning of the soak."""
    turns: int
    """Turns of this conversation."""
    replies: int
    """Those of them of which something was heard."""
    threads: int
    """Of the assistant's process, the recogniser's and the voices'."""
    descriptors: int
    """Of all of them."""
    rss_mb: float
    """Of the assistant's own process."""
    children_rss_mb: float
    """Of the processes of recogniser and voices."""
    objects: int | None
    """Python objects that the collector watches; None where it is asked from outside."""
    cpu_s: float
    """Processor seconds of all processes in this conversation."""
    first_sound_p95_s: float | None
    """From the pause that ended what was said to the first sound of the reply, in seconds of the wall clock; None
    without a reply. In virtual time it is the work alone."""


def line_of(sample: Sample, turns: int) -> str:
    """For the terminal; `turns` is how many there were in all."""
    objects = "" if sample.objects is None else f"{sample.objects:8} objects "
    return (
        f"{sample.wall_s:7.0f} s {turns:6} turns {sample.threads:3} threads "
        f"{sample.descriptors:4} files {sample.rss_mb:7.1f} MB {sample.children_rss_mb:7.1f} MB children "
        f"{objects}cpu {sample.cpu_s:.1f} s p95 {sample.first_sound_p95_s} s"
    )


@dataclass(frozen=True, slots=True)
class Figure:
    """Medians of the second and of the last quarter of a run, the first one being warm-up."""

    early: float
    late: float
    grows: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a run."""

    figures: Mapping[str, Figure]
    failing: Mapping[str, str]
    """What does not work as it should, and how that shows."""

    @property
    def growing(self) -> list[str]:
        """The names of the figures that grow."""
        return [name for name, figure in self.figures.items() if figure.grows]

    @property
    def word(self) -> Literal["failing", "growing", "flat"]:
        """The worst of it in one word."""
        return "failing" if self.failing else "growing" if self.growing else "flat"


GROWTH = {
    "rss_mb": (0.03, 15.0),
    "children_rss_mb": (0.05, 15.0),
    "objects": (0.02, 2000.0),
    "threads": (0.0, 1.0),
    "descriptors": (0.0, 2.0),
    "cpu_s": (0.25, 0.5),
    "first_sound_p95_s": (0.25, 0.2),
}
"""What may grow, as a share and absolutely; whichever is more. Times may grow more: other programs take their share."""
_TURNS_KEPT = 0.9
"""The share of its turns a conversation that an assistant keeps which still hears."""


LEAST = 8
"""Conversations that tell whether something grows."""


def verdict(samples: Sequence[Sample], failures: Mapping[str, int]) -> Verdict:
    """Compare the second quarter of the run with the last; `failures` is how often each stage failed in all of it.
    Raises `ValueError` for fewer than eight samples."""
    if len(samples) < LEAST:
        raise ValueError(f"Eight conversations are needed to tell growth, got {len(samples)}.")
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    return Verdict(_figures(early, late), _failing(samples, early, late, failures))


def _figures(early: Sequence[Sample], late: Sequence[Sample]) -> dict[str, Figure]:
    figures = {}
    for name, (share, absolute) in GROWTH.items():
        parts = [[value for sample in part if (value := getattr(sample, name)) is not None] for part in (early, late)]
        if all(parts):  # where nothing was replied nothing was timed; that fails anyway
            before, after = (float(np.median(part)) for part in parts)
            figures[name] = Figure(before, after, after - before > max(share * before, absolute))
    return figures


def _failing(
    samples: Sequence[Sample], early: Sequence[Sample], late: Sequence[Sample], failures: Mapping[str, int]
) -> dict[str, str]:
    failing = {}
    # The mean: every other conversation is interrupted, and has another number of turns.
    before, after = (float(np.mean([sample.turns for sample in part])) for part in (early, late))
    if after < _TURNS_KEPT * before:
        failing["turns"] = f"{before:.1f} a conversation became {after:.1f}"
    unanswered = [str(number) for number, sample in enumerate(samples, start=1) if not sample.replies]
    if unanswered:
        failing["replies"] = f"none in the conversations {', '.join(unanswered)}"
    if failures:
        failing["failures"] = ", ".join(f"{stage} ({count})" for stage, count in failures.items())
    return failing
