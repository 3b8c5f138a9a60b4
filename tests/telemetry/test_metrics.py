"""The metrics as Prometheus gets them: over HTTP, from a loop that runs."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable

import anyio
import pytest

from assistant.errors import ConfigError
from assistant.events import PlaybackStarted, StageFailed, StageTimed
from assistant.governor.reading import Reading, Temperature
from assistant.health import Health
from assistant.telemetry.metrics import ADDRESS, Metrics, Snapshot
from assistant.telemetry.metrics_page import metrics_page
from tests.doubles.prometheus import free_port, in_a_thread, scrape
from tests.telemetry.conversation_events import HEARD, events

SNAPSHOT = Snapshot(
    Health(hears=True, unavailable={"camera": "gone"}),
    Reading(
        memory_available_bytes=123_000_000,
        temperatures=(Temperature("tj-thermal", 61.5),),
        power_watts={"VDD_IN": 7.4},
        gpu_load=0.25,
    ),
    governor_step=2,
    dropped={"microphone frames": 3},
)


def served(metrics: Metrics, ask: Callable[[int], Awaitable[str]]) -> str:
    """What `ask(port)` returns beside metrics that are served."""

    async def main() -> str:
        port = free_port()
        async with anyio.create_task_group() as group:
            group.start_soon(metrics.serve, port, lambda: SNAPSHOT)
            await anyio.sleep(0.05)
            answer = await ask(port)
            group.cancel_scope.cancel()
        return answer

    return anyio.run(main)


def test_the_page_has_every_metric_with_its_labels() -> None:
    metrics = Metrics()
    for event in events():
        metrics.on_event(event)
    metrics.on_event(StageFailed(30.0, "microphone", "It is gone."))
    rows = re.findall(r"^\| `(\w+)` \| \w+ \| (.*) \| [A-Z1].* \|$", metrics_page(), re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    lines = re.findall(
        r"^(assistant_\w+?)(?:_bucket|_count|_sum)?(?:\{(.*)\})? \S+$", served(metrics, in_a_thread), re.M
    )
    assert len(lines) > 30
    for name, labels in lines:
        assert set(re.findall(r"(\w+)=", labels)) - {"le"} <= documented[name], name


def test_a_conversation_is_counted_and_the_state_is_told() -> None:
    metrics = Metrics()
    for event in events():
        metrics.on_event(event)
    metrics.on_event(StageFailed(30.0, "microphone", "It is gone."))
    page = served(metrics, in_a_thread)
    for line in (
        "assistant_turns_total 2.0",
        'assistant_stage_failures_total{stage="microphone"} 1.0',
        'assistant_stage_compute_seconds_total{stage="recognize"} 0.3',
        'assistant_stage_seconds_count{stage="understand"}',
        'assistant_stage_seconds_count{stage="first_token"}',
        'assistant_stage_seconds_count{stage="answer"}',
        "assistant_mouth_to_ear_seconds_count 2.0",
        'assistant_mouth_to_ear_seconds_bucket{le="0.5"} 1.0',
        "assistant_hears 1.0",
        'assistant_unavailable{stage="camera"} 1.0',
        'assistant_dropped_total{what="microphone frames"} 3.0',
        "assistant_governor_step 2.0",
        'assistant_temperature_celsius{zone="tj-thermal"} 61.5',
        'assistant_power_watts{rail="VDD_IN"} 7.4',
        "assistant_memory_available_bytes 1.23e+08",
        "process_resident_memory_bytes",
        "process_open_fds",
    ):
        assert line in page


def test_nothing_that_was_heard_is_in_them() -> None:
    metrics = Metrics()
    for event in events():
        metrics.on_event(event)
    page = served(metrics, in_a_thread)
    assert HEARD[:12] not in page
    assert "HowDoILook" not in page


def test_an_announcement_is_no_turn() -> None:
    metrics = Metrics()
    metrics.on_event(StageTimed(1.0, 7, "synthesize", 0.5, 0.25))
    metrics.on_event(PlaybackStarted(5.0, 7))
    page = served(metrics, in_a_thread)
    assert 'assistant_stage_compute_seconds_total{stage="synthesize"} 0.25' in page
    assert "assistant_stage_seconds_count" not in page
    assert "assistant_mouth_to_ear_seconds_count 0.0" in page
    assert "assistant_turns_total 0.0" in page


def test_a_loop_that_hangs_does_not_hear() -> None:
    async def hang(port: int) -> str:
        answer: list[str] = []
        thread = threading.Thread(target=lambda: answer.append(scrape(port)))
        thread.start()
        while thread.is_alive():
            time.sleep(0.05)  # noqa: ASYNC251 (it is what is tested)
        return answer[0]

    assert "assistant_hears 0.0" in served(Metrics(), hang)


def test_a_port_that_is_taken_is_named() -> None:
    async def main() -> None:
        with socket.socket() as other:
            other.bind((ADDRESS, 0))
            other.listen()
            with pytest.raises(ConfigError, match=r"127\.0\.0\.1:\d+.*"):
                await Metrics().serve(other.getsockname()[1], lambda: SNAPSHOT)

    anyio.run(main)


def test_it_can_be_served_again_on_the_same_port_after_a_reload() -> None:
    async def main() -> None:
        metrics, port = Metrics(), free_port()
        for _ in range(2):
            async with anyio.create_task_group() as group:
                group.start_soon(metrics.serve, port, lambda: SNAPSHOT)
                await anyio.sleep(0.05)
                assert "assistant_hears 1.0" in await in_a_thread(port)
                group.cancel_scope.cancel()

    anyio.run(main)
