"""Turn records from events, and the figures over them."""

from __future__ import annotations

import pytest

from assistant import events as e
from assistant.telemetry.timeline import Timeline, latency_summary, percentile
from tests.telemetry.conversation_events import HEARD, events


def timeline() -> Timeline:
    observer = Timeline()
    for event in events():
        observer.on_event(event)
    return observer


def test_only_addressed_turns_are_kept_with_all_that_happened_in_them() -> None:
    first, second = timeline().turns
    assert (first.turn_id, first.heard, first.language, first.intent) == (2, HEARD, "en", "HowDoILook")
    assert first.reply_text == "You look happy. I am fairly sure."
    assert (first.played, first.played_s, first.completed) == ("You look happy.", 0.5, False)
    assert first.interruption == "speech"
    assert first.caption is not None
    assert first.caption.text == "I see one <person>."
    assert first.emotion is not None
    assert [item.channel for item in first.emotion.contributions] == ["face", "voice"]
    assert [failure.stage for failure in first.failures] == ["camera"]
    assert {stage.name: round(stage.duration_s, 3) for stage in first.stages} == {
        "recognize": 0.33,
        "endpoint": 0.55,
        "understand": 0.02,
        "first_token": 0.005,
        "answer": 0.005,
    }
    assert second.reply_text == "我看到一个杯子。可能是咖啡。"
    assert (second.completed, second.interruption, second.failures) == (True, None, [])


def test_latency_is_from_the_end_of_speech_to_the_first_sound() -> None:
    observer = timeline()
    assert [turn.latency_s for turn in observer.turns] == pytest.approx([0.7, 0.5])
    summary = latency_summary(observer.turns)
    assert summary is not None
    assert (summary.count, summary.p50_s, summary.p95_s) == (2, pytest.approx(0.5), pytest.approx(0.7))


def test_without_a_sound_there_is_no_latency() -> None:
    observer = Timeline()
    observer.on_event(e.TurnStarted(1.0, 1, 0.5))
    assert observer.turns[0].latency_s is None
    assert latency_summary(observer.turns) is None


def test_old_turns_are_forgotten() -> None:
    observer = Timeline(keep=3)
    for turn_id in range(10):
        observer.on_event(e.TurnStarted(float(turn_id), turn_id, 0.0))
    assert [turn.turn_id for turn in observer.turns] == [7, 8, 9]


@pytest.mark.parametrize(("percent", "expected"), [(0, 15), (5, 15), (30, 20), (40, 20), (50, 35), (95, 50), (100, 50)])
def test_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    # The worked example of https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method
    assert percentile([50, 15, 40, 20, 35], percent) == expected


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_what_sight_cost_adds_up() -> None:
    costs = Timeline()
    for spent_s in (0.05, 0.07):
        costs.on_event(e.SceneState(1.0, (), (), compute_s={"objects": spent_s, "faces": 0.01}))
    assert costs.looks == 2
    assert costs.sight_s == {"objects": pytest.approx(0.12), "faces": pytest.approx(0.02)}
    assert costs.turns == []
