"""The tracking figures against `motmetrics` 1.4.0, which computed the expected numbers for the same sequence."""

from __future__ import annotations

import random

import pytest

from assistant.events import Box
from bench.mot_metrics import TrackingFigures, judge


def _sequence() -> tuple[list[dict[int, Box]], list[dict[int, Box]]]:
    """Three things for forty pictures; a tracker that misses, jitters, changes identities and invents."""
    chance = random.Random(3)
    truth, given = [], []
    for picture in range(40):
        real, found = {}, {}
        for thing in (1, 2, 3):
            if thing == 3 and picture < 10:
                continue
            x = 0.1 * thing + 0.012 * picture * (1 if thing != 2 else -0.3)
            real[thing] = Box(x, 0.2, x + 0.15, 0.6)
            if chance.random() < 0.85:
                off = chance.uniform(-0.03, 0.03)
                identity = 10 * thing + (1 if picture > 25 and thing != 1 else 0)
                found[identity] = Box(x + off, 0.2 + off, x + 0.15 + off, 0.6 + off)
        if chance.random() < 0.2:
            found[99] = Box(0.7, 0.7, 0.9, 0.9)
        truth.append(real)
        given.append(found)
    return truth, given


def test_figures_are_those_of_the_reference() -> None:
    figures = judge(*_sequence())
    assert (figures.boxes, figures.found) == (110, 90)
    assert (figures.misses, figures.false_positives, figures.switches) == (24, 4, 2)
    assert figures.mota == pytest.approx(0.7272727272727273)
    assert figures.idf1 == pytest.approx(0.66)


def test_a_perfect_tracker_and_a_blind_one() -> None:
    truth, _ = _sequence()
    perfect, blind = judge(truth, truth), judge(truth, [{} for _ in truth])
    assert (perfect.mota, perfect.idf1) == (1.0, 1.0)
    assert (blind.mota, blind.idf1, blind.misses) == (0.0, 0.0, 110)


def test_sequences_add_up() -> None:
    one = judge(*_sequence())
    assert one + one == TrackingFigures(*(2 * value for value in _values(one)))


def _values(figures: TrackingFigures) -> tuple[int, ...]:
    return (
        figures.boxes,
        figures.misses,
        figures.false_positives,
        figures.switches,
        figures.idtp,
        figures.found,
    )
