"""A search goes on where a trial diverges, and says so when all do."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from assistant.errors import ModelError

pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("optuna", reason="needs the extra train")

from export.train.classifier_command import Part
from export.train.fit import Settings
from export.train.search import search_classifier


def part(count: int, seed: int, first: float = 0.0) -> Part:
    """Two classes that lie apart; `first` is the value of all features of the first sample."""
    truth = np.arange(count) % 2
    features = np.random.default_rng(seed).standard_normal((count, 4)) + 2.0 * truth[:, np.newaxis]
    features[0] = first
    return Part(features.astype(np.float32), truth, truth)


def search(first: float) -> tuple[list[str], dict[str, Any]]:
    told: list[str] = []
    settings = Settings(epochs=5, batch=16)
    _, sizes = search_classifier(part(64, 0), part(32, 1, first), 2, settings, 8, told.append)
    return told, sizes


def test_a_trial_that_diverges_costs_only_itself() -> None:
    # So large that wide networks overflow, and narrow ones do not.
    told, sizes = search(3.2e38)
    assert any("has diverged" in line for line in told)
    assert any(": complete" in line for line in told)
    assert set(sizes) == {"width", "dropout"}


def test_what_is_no_divergence_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.train.search.Classifier", Mock(side_effect=ModelError("The features are damaged.")))
    with pytest.raises(ModelError, match="The features are damaged"):
        search(0.0)


def test_that_all_diverge_is_said() -> None:
    with pytest.raises(ModelError, match="None of the 8 trials came to an end"):
        search(np.inf)
