"""Metrics against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from export.train.calibrate import best_temperature
from export.train.metrics import (
    accuracy,
    bootstrap,
    calibration_error,
    confusion,
    coverage,
    per_class,
    reliability,
    risks,
    summary,
)

SAID = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
TRUTH = np.array([0, 1, 1, 1])


def test_accuracy_and_confusion() -> None:
    assert accuracy(SAID, TRUTH) == 0.75
    assert confusion(SAID, TRUTH).tolist() == [[1, 0], [1, 2]]


def test_precision_recall_and_f1() -> None:
    first, second = per_class(confusion(SAID, TRUTH))
    assert (first["precision"], first["recall"], first["count"]) == (0.5, 1.0, 1)
    assert (second["precision"], second["recall"]) == (1.0, pytest.approx(2 / 3))
    assert second["f1"] == pytest.approx(0.8)


def test_a_class_that_nobody_said_scores_zero_and_not_nan() -> None:
    rows = per_class(np.array([[0, 2], [0, 3]]))
    assert rows[0] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "count": 2}


def test_calibration_error_is_the_mean_distance_of_confidence_and_accuracy() -> None:
    said = np.array([[0.8, 0.2]] * 10)
    truth = np.array([0] * 6 + [1] * 4)
    assert calibration_error(said, truth) == pytest.approx(0.2)
    assert reliability(said, truth) == [(1.0, pytest.approx(0.8), pytest.approx(0.6))]


def test_who_answers_only_when_sure_errs_less() -> None:
    error = risks(SAID.max(axis=1), SAID.argmax(axis=1) == TRUTH, points=4)
    answered = coverage(4, points=4)
    assert (answered[0], error[0]) == (1.0, 0.25)
    assert (answered[-1], error[-1]) == (0.25, 0.0)


def test_bootstrap_holds_the_value_and_narrows_with_more_moments() -> None:
    rng = np.random.default_rng(0)
    few, many = rng.random(50) < 0.7, rng.random(5000) < 0.7
    narrow, wide = bootstrap(np.mean, many), bootstrap(np.mean, few)
    assert narrow.low < narrow.value < narrow.high
    assert narrow.high - narrow.low < wide.high - wide.low


def test_speakers_are_drawn_whole() -> None:
    right = np.repeat([True, False], 50)  # one speaker always right, one never: two witnesses, not a hundred
    speakers = np.repeat([0, 1], 50)
    by_speaker, by_moment = bootstrap(np.mean, right, groups=speakers), bootstrap(np.mean, right)
    assert (by_speaker.low, by_speaker.high) == (0.0, 1.0)
    assert by_moment.low > 0.3


def test_the_summary_has_everything() -> None:
    found = summary(SAID, TRUTH)
    assert found["count"] == 4
    assert found["accuracy"]["value"] == 0.75
    assert found["per_class"]["value"][0] == pytest.approx([0.5, 1.0, 2 / 3])
    assert found["per_class_count"] == [1, 3]
    assert found["confusion_share"]["value"] == [[1.0, 0.0], [pytest.approx(1 / 3), pytest.approx(2 / 3)]]
    for metric in ("per_class", "confusion_share", "risk"):
        low, value, high = (np.array(found[metric][part]) for part in ("low", "value", "high"))
        assert (low <= value).all() and (value <= high).all() and (low < high).any(), metric
    assert len(found["risk"]["value"]) == len(found["coverage"])


def test_an_overconfident_network_is_cooled() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 2000)
    logits = rng.standard_normal((2000, 3)) + 1.5 * np.eye(3)[truth]
    assert best_temperature(4.0 * 1.5 * logits, truth) == pytest.approx(4.0, rel=0.15)
