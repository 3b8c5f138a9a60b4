"""What the soak calls growth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.soak_verdict import Sample, verdict

SAMPLE = Sample(0.0, 0, 15, 11, 600.0, 500.0, 230.0, 300_000, 10.0, 1.0)


def run(change: Callable[[Sample, int], Sample], count: int = 40) -> list[str]:
    """The names of what grows."""
    figures = verdict([change(SAMPLE, number) for number in range(count)])
    return [name for name, figure in figures.items() if figure["grows"]]


def test_a_run_that_stays_as_it_is_and_one_that_only_warms_up_are_flat() -> None:
    assert run(lambda sample, number: sample) == []
    assert run(lambda sample, number: replace(sample, rss_mb=600.0 if number > 8 else 400.0)) == []
    assert run(lambda sample, number: replace(sample, rss_mb=600 + 10 * (number % 3), threads=15 + number % 2)) == []


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("threads", 0.2),
        ("descriptors", 0.5),
        ("rss_mb", 2.0),
        ("voices_rss_mb", 2.0),
        ("objects", 1000.0),
        ("turn_p95_s", 0.3),
        ("cpu_s", 0.2),
    ],
)
def test_whatever_grows_is_named(name: str, step: float) -> None:
    assert run(lambda sample, number: replace(sample, **{name: getattr(sample, name) + step * number})) == [name]


def test_one_conversation_tells_nothing() -> None:
    with pytest.raises(ValueError, match="Eight"):
        run(lambda sample, number: sample, count=7)
