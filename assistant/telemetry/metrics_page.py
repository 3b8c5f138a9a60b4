"""`docs/metrics.md`, from the metrics themselves. Written by `python -m assistant.docs`."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric

from assistant.governor.reading import Reading, Temperature
from assistant.health import Health
from assistant.telemetry.examples import EXAMPLES
from assistant.telemetry.metrics import Metrics, Snapshot, state_families
from assistant.telemetry.timeline import Summary

_INTRODUCTION = """# Metrics

Generated from `assistant/telemetry/metrics.py` by `python -m assistant.docs`; do not edit.

With `telemetry.metrics_port = 9464` Prometheus finds these at `http://127.0.0.1:9464/metrics`, and from nowhere else
than this machine. Nothing that was heard, said or seen is among them. A sensor that the machine does not have has no
line. What the process itself takes has the usual names, such as `process_resident_memory_bytes`.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
"""
_OF_A_JETSON = Reading(
    memory_available_bytes=1, temperatures=(Temperature("tj-thermal", 60.0),), power_watts={"VDD_IN": 7.0}, gpu_load=0.2
)
_STATE = Snapshot(
    Health(hears=True, unavailable={"camera": "gone"}),
    _OF_A_JETSON,
    dropped={"microphone frames": 1},
    latency={"recognize": Summary(1, 0.2, 0.3)},
)
"""One of everything, for a label is known by what has it."""


def metrics_page() -> str:
    """The whole page."""
    return _INTRODUCTION + "".join(f"{_row(family)}\n" for family in _families())


def _families() -> Iterator[Metric]:
    metrics = Metrics()
    for event in EXAMPLES:
        metrics.on_event(event)
    yield from (family for family in metrics.registry.collect() if family.name.startswith("assistant_"))
    yield from state_families(_STATE)


def _row(family: Metric) -> str:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    # How a histogram is made up is Prometheus's own: every one has it.
    labels = dict.fromkeys(label for sample in family.samples for label in sample.labels if label != "le")
    shown = ", ".join(f"`{label}`" for label in labels)
    return f"| `{name}` | {family.type} | {shown} | {family.documentation} |"
