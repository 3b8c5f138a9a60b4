"""What Prometheus finds at a service: how long the stages of its turns take."""

from __future__ import annotations

import re
from pathlib import Path

import anyio

from tests.doubles.house import House, until_it_is
from tests.doubles.living import TIME, HangableLoop, until
from tests.doubles.prometheus import free_port, in_a_thread

LATENCY = re.compile(r'assistant_stage_latency_seconds\{quantile="([\d.]+)",stage="(\w+)"\} ([\d.]+)')


def latencies(page: str) -> dict[tuple[str, str], float]:
    """(stage, quantile) → seconds."""
    return {(stage, quantile): float(seconds) for quantile, stage, seconds in LATENCY.findall(page)}


def test_the_quantiles_of_each_stage_outlive_a_restart(house: House, tmp_path: Path) -> None:
    house.with_doubles()
    port = free_port()
    house.configure("telemetry", metrics_port=port)
    house.latency_file = tmp_path / "latency.json"
    house.living.says(TIME)
    found: list[str] = []

    async def converse() -> None:
        await house.controls.announce("Nobody asked for this.", "en")
        assert latencies(await in_a_thread(port)) == {}, "an announcement is no turn"
        house.living.room.say(anyio.current_time() + 1.0)
        await until_it_is(lambda: len(house.living.said) == 2)
        await until(anyio.current_time() + 1.0)
        found.append(await in_a_thread(port))

    async def ask() -> None:
        found.append(await in_a_thread(port))

    house.live(converse, HangableLoop)
    house.live(ask, HangableLoop)
    first, second = (latencies(page) for page in found)
    stages = {stage for stage, _ in first}
    assert {"endpoint", "recognize", "understand", "synthesize", "mouth_to_ear"} <= stages
    assert first.keys() == {(stage, quantile) for stage in stages for quantile in ("0.5", "0.95")}
    assert 0.1 < first["endpoint", "0.5"] <= first["mouth_to_ear", "0.5"] <= first["mouth_to_ear", "0.95"] < 5.0
    assert second.keys() == first.keys()
    assert second["mouth_to_ear", "0.5"] > 0.0
    assert "assistant_turns_total 1.0" in found[0] and "assistant_turns_total 0.0" in found[1]
    assert "# TYPE assistant_stage_latency_seconds summary" in found[1]
