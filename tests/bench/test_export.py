"""What the measurement of exports says without measuring."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from assistant.models.store import STORE_VARIABLE
from bench.export import main, picked


@pytest.mark.parametrize(
    ("medians_ms", "winner"),
    [
        ({"fp32": 10.0, "fp16": 8.0, "int8-ort": 9.4}, "int8-ort"),
        ({"fp32": 10.0, "fp16": 8.0, "int8-ort": 9.6}, "fp32"),
        ({"fp32": 10.0, "int8-ort": 27.0}, "fp32"),
        ({"fp32": 10.0, "fp16": 8.0}, "fp32"),
    ],
)
def test_int8_is_picked_only_where_it_gains_5_percent(medians_ms: dict[str, float], winner: str) -> None:
    assert picked({precision: {"median_ms": median_ms} for precision, median_ms in medians_ms.items()}) == winner


def test_a_recipe_without_its_weights_is_named_and_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["bench.export", "--recipes", "voice-activity"])
    assert main()["recipes"] == {}
    assert "voice-activity: not measured. " in capsys.readouterr().out
