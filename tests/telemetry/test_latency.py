"""Latency statistics: what they count, that they are bounded, and that they survive a restart whatever is on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.events import PlaybackStarted, StageTimed, TurnFinished, TurnStarted
from assistant.stages import MOUTH_TO_EAR
from assistant.telemetry.latency import LatencyStatistics


def converse(statistics: LatencyStatistics, turn_id: int, ended_at_s: float, first_sound_s: float) -> None:
    """A turn whose first sound comes so long after the end of speech, half of it recognition."""
    statistics.on_event(TurnStarted(ended_at_s + 0.1, turn_id, ended_at_s))
    half_s = ended_at_s + first_sound_s / 2
    statistics.on_event(StageTimed(half_s, turn_id, "recognize", ended_at_s, 0.0))
    statistics.on_event(PlaybackStarted(ended_at_s + first_sound_s, turn_id))
    statistics.on_event(TurnFinished(ended_at_s + first_sound_s + 1, turn_id))


def test_percentiles_a_stage() -> None:
    statistics = LatencyStatistics()
    assert statistics.snapshot() == {}
    for turn_id in range(1, 101):
        converse(statistics, turn_id, 100.0 * turn_id, turn_id / 100)
    snapshot = statistics.snapshot()
    assert set(snapshot) == {"recognize", MOUTH_TO_EAR}
    assert snapshot[MOUTH_TO_EAR].count == 100
    assert snapshot[MOUTH_TO_EAR].p50_s == pytest.approx(0.5)
    assert snapshot[MOUTH_TO_EAR].p95_s == pytest.approx(0.95)
    assert snapshot["recognize"].p95_s == pytest.approx(0.475)


def test_an_announcement_is_no_answer() -> None:
    statistics = LatencyStatistics()
    statistics.on_event(StageTimed(1.0, 7, "synthesize", 0.5, 0.0))
    statistics.on_event(PlaybackStarted(5.0, 7))
    assert statistics.snapshot() == {}


def test_memory_is_bounded() -> None:
    statistics = LatencyStatistics()
    for turn_id in range(2_000):
        converse(statistics, turn_id, float(turn_id), 0.5 if turn_id < 1_500 else 2.0)
    assert statistics.snapshot()[MOUTH_TO_EAR].count == 500
    assert statistics.snapshot()[MOUTH_TO_EAR].p50_s == pytest.approx(2.0), "the newest count"
    for number in range(1_000):
        statistics.on_event(TurnStarted(0.0, number, 0.0))
        statistics.on_event(StageTimed(1.0, number, f"stage {number}", 0.0, 0.0))
    assert len(statistics.snapshot()) <= 32


def test_they_are_kept_across_restarts(tmp_path: Path) -> None:
    path = tmp_path / "state" / "latency.json"
    first = LatencyStatistics(path)
    first.save()
    assert not path.exists(), "nothing was measured, nothing is written"
    converse(first, 1, 10.0, 0.5)
    first.save()
    second = LatencyStatistics(path)
    converse(second, 1, 20.0, 1.0)
    second.save()
    assert LatencyStatistics(path).snapshot()[MOUTH_TO_EAR].count == 2


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"format": 2, "durations_s": {}}',
        '{"format": 1, "durations_s": [1]}',
        '{"format": 1, "durations_s": {"recognize": ["long"]}}',
        '{"format": 1, "durations_s": {"recognize": [NaN]}}',
        '{"format": 1, "durations_s": {"recognize": [true]}}',
        '{"format": 1, "durations_s": {"recognize": [1' + "0" * 400 + "]}}",
        "\0\0\0",
    ],
)
def test_a_damaged_file_is_begun_anew(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "latency.json"
    path.write_text(content)
    statistics = LatencyStatistics(path)
    assert statistics.snapshot() == {}
    assert "begun anew" in caplog.text
    converse(statistics, 1, 10.0, 0.5)
    statistics.save()
    assert json.loads(path.read_text())["durations_s"][MOUTH_TO_EAR] == [0.5]


def test_a_folder_that_cannot_be_written_is_only_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    statistics = LatencyStatistics(tmp_path / "file" / "latency.json")
    converse(statistics, 1, 10.0, 0.5)
    statistics.save()
    assert "cannot be kept" in caplog.text
    assert statistics.snapshot()[MOUTH_TO_EAR].count == 1
