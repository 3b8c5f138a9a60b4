"""Prometheus metrics at 127.0.0.1, off unless `telemetry.metrics_port` is set. Nothing that was heard or said is there.

Counters follow the events; what is a state (health, sensors) is asked for on the event loop when Prometheus asks, so a
loop that hangs is seen as one that does not hear.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from assistant import __version__
from assistant.errors import ConfigError
from assistant.events import (
    Event,
    Interruption,
    PlaybackStarted,
    StageFailed,
    StageTimed,
    TurnFinished,
    TurnStarted,
)
from assistant.governor.reading import Reading
from assistant.health import Health
from assistant.stages import METRICS
from assistant.telemetry.timeline import Summary

ADDRESS = "127.0.0.1"
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_ANSWER_S = 2.0
"""A loop that does not answer within this time hangs."""
_OPEN_TURNS = 8


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is true at the moment of asking."""

    health: Health
    reading: Reading = field(default_factory=Reading)
    governor_step: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    """What was lost: name → count."""
    latency: Mapping[str, Summary] = field(default_factory=dict)
    """By stage, over the newest turns and across restarts: what `LatencyStatistics.snapshot` gives."""


class Metrics:
    """A `TurnObserver`."""

    def __init__(self) -> None:
        # The time at which a counter began says nothing here. The ignore: this one function has no annotations.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._turns = self._counter("turns", "Requests that were addressed to the assistant.")
        self._interruptions = self._counter("interruptions", "Replies that were cut off.", "reason")
        self._failures = self._counter("stage_failures", "Failures of a stage.", "stage")
        self._compute = self._counter("stage_compute_seconds", "Seconds of work of a stage.", "stage")
        self._stages = Histogram(
            "assistant_stage_seconds",
            "Duration of a stage of a turn.",
            ["stage"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._mouth_to_ear = Histogram(
            "assistant_mouth_to_ear_seconds",
            "From the end of speech to the first sound of the reply.",
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._speech_ended_at_s: dict[int, float] = {}

    def on_event(self, event: Event) -> None:
        """Count it."""
        match event:
            case TurnStarted():
                self._turns.inc()
                if len(self._speech_ended_at_s) >= _OPEN_TURNS:
                    self._speech_ended_at_s.clear()
                self._speech_ended_at_s[event.turn_id] = event.speech_ended_at_s
            case StageTimed():
                self._compute.labels(event.stage).inc(max(0.0, event.compute_s))
                if event.turn_id in self._speech_ended_at_s:  # an announcement's are none of anybody's wait
                    self._stages.labels(event.stage).observe(max(0.0, event.at_s - event.started_at_s))
            case PlaybackStarted(turn_id=turn_id) if turn_id in self._speech_ended_at_s:
                self._mouth_to_ear.observe(max(0.0, event.at_s - self._speech_ended_at_s[turn_id]))
            case Interruption():
                self._interruptions.labels(event.reason).inc()
            case StageFailed():
                self._failures.labels(event.stage).inc()
            case TurnFinished():
                self._speech_ended_at_s.pop(event.turn_id, None)

    async def offer(self, port: int, snapshot: Callable[[], Snapshot], emit: Callable[[Event], None]) -> None:
        """`serve`; a port that is taken is told by `StageFailed`, for a conversation needs no metrics."""
        try:
            await self.serve(port, snapshot)
        except ConfigError as error:
            emit(StageFailed(anyio.current_time(), METRICS, error.message, error.remedy or ""))

    async def serve(self, port: int, snapshot: Callable[[], Snapshot]) -> None:
        """Answer Prometheus until cancelled. Raises `ConfigError` when the port is taken."""
        state = _State(asyncio.get_running_loop(), snapshot)
        try:
            server, thread = start_http_server(port, addr=ADDRESS, registry=self.registry)
        except OSError as error:
            raise ConfigError(
                f"The metrics cannot be offered at {ADDRESS}:{port}: {error.strerror}.",
                remedy="Set telemetry.metrics_port to a port that is free, or to 0.",
            ) from error
        self.registry.register(state)
        try:
            await anyio.sleep_forever()
        finally:
            self.registry.unregister(state)
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(server.shutdown)
            server.server_close()
            thread.join(_ANSWER_S)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"assistant_{name}", text, labels, registry=self.registry)


class _State(Collector):
    """Called on a thread of the server's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, snapshot: Callable[[], Snapshot]) -> None:
        self._loop = loop
        self._snapshot = snapshot

    def describe(self) -> list[Metric]:
        """Nothing: asking the loop before it runs would wait in vain."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from state_families(self._ask())

    def _ask(self) -> Snapshot | None:
        """What the event loop says; None if it hangs."""
        answer: futures.Future[Snapshot] = futures.Future()

        def take() -> None:
            if answer.set_running_or_notify_cancel():
                try:
                    answer.set_result(self._snapshot())
                except BaseException as error:
                    answer.set_exception(error)

        try:
            self._loop.call_soon_threadsafe(take)
            return answer.result(_ANSWER_S)
        except (futures.TimeoutError, RuntimeError):  # RuntimeError: the loop has been closed
            answer.cancel()
            return None


def state_families(state: Snapshot | None) -> Iterator[Metric]:
    """What is true at the moment of asking, as Prometheus takes it; None for a loop that does not answer."""
    yield _labelled("assistant_build", "The version that runs.", "version", {__version__: 1})
    hears = state is not None and state.health.hears
    yield GaugeMetricFamily("assistant_hears", "Whether it hears.", value=hears)
    if state is None:
        return
    yield GaugeMetricFamily("assistant_muted", "Whether it was asked not to listen.", value=state.health.muted)
    failing = dict.fromkeys(state.health.unavailable, 1)
    yield _labelled("assistant_unavailable", "1 for what does not work.", "stage", failing)
    lost = CounterMetricFamily("assistant_dropped", "Lost, something being too slow or failing.", labels=["what"])
    for what, count in state.dropped.items():
        lost.add_metric([what], count)
    yield lost
    yield _quantiles(state.latency)
    text = "What is saved: 0 nothing, 3 the most."
    yield GaugeMetricFamily("assistant_governor_step", text, value=state.governor_step)
    yield from _sensors(state.reading)


def _quantiles(latency: Mapping[str, Summary]) -> Metric:
    text = "How long a stage of a turn takes, over the newest turns and across restarts."
    summary = Metric("assistant_stage_latency_seconds", text, "summary")
    for stage, durations in latency.items():
        for quantile, seconds in (("0.5", durations.p50_s), ("0.95", durations.p95_s)):
            summary.add_sample(summary.name, {"stage": stage, "quantile": quantile}, seconds)
    return summary


def _sensors(reading: Reading) -> Iterator[Metric]:
    heat = {zone.zone: zone.celsius for zone in reading.temperatures}
    yield _labelled("assistant_temperature_celsius", "Temperature by thermal zone.", "zone", heat)
    yield _labelled("assistant_power_watts", "Power by rail.", "rail", reading.power_watts)
    yield GaugeMetricFamily("assistant_throttled", "Whether heat slows the machine down now.", value=reading.throttled)
    if reading.memory_available_bytes is not None:
        text = "What can still be allocated."
        yield GaugeMetricFamily("assistant_memory_available_bytes", text, value=reading.memory_available_bytes)
    if reading.gpu_load is not None:
        yield GaugeMetricFamily("assistant_gpu_load_ratio", "Load of the GPU.", value=reading.gpu_load)


def _labelled(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
