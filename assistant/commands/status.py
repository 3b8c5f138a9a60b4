"""`assistant status`: how the running assistant is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from assistant.control.client import ask
from assistant.control.protocol import HealthState, Status, StatusResult
from assistant.stages import MOUTH_TO_EAR


def show_status(config: Path | None, as_json: bool) -> int:
    """Print it; the result is the exit code: 0 when it does what it is there for, 1 when it does not."""
    status = ask(Status(), StatusResult, config)
    if as_json:
        typer.echo(status.model_dump_json(indent=2))
    else:
        _print(status)
    return 0 if status.health.well else 1


def _print(status: StatusResult) -> None:
    out = Console(highlight=False, soft_wrap=True)
    out.print(_headline(status.state, status.health), style="bold green" if status.health.well else "bold red")
    for stage, reason in status.health.unavailable.items():
        out.print(f"✗ {stage}: {reason}", style="yellow", markup=False)
    for stage, failure in status.health.last_failures.items():
        ago = _duration(failure.ago_s)
        out.print(f"? {stage}: failed when last used, {ago} ago: {failure.reason}", style="yellow", markup=False)
    if status.config_error:
        out.print(f"✗ configuration: the old one is in force. {status.config_error}", style="yellow", markup=False)
    facts = {
        "attention": "no wake phrase is needed now" if status.attentive else "",
        "process": str(status.pid),
        "up for": _duration(status.uptime_s),
        "volume": "–" if status.volume is None else f"{status.volume:.0%}",
        "configuration": status.config_file or "no file: defaults",
        "versions": ", ".join(f"{name} {version}" for name, version in status.versions.items()),
        "engines": _engines(status.networks),
        "saving": status.saving,
        "recorder": _recorder(status),
        "lost": ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in status.dropped.items() if count),
    }
    for name, value in facts.items():
        if value:
            out.print(f"{name:>13}  {value}", markup=False)
    _print_latency(out, status)


def _recorder(status: StatusResult) -> str:
    """What is kept in memory of what is heard and seen, which whoever is heard and seen wants to know."""
    kept = f"keeps the last {_duration(status.recorder_s)} of sound and pictures in memory for `assistant dump`"
    return f"{kept}; nothing while muted" if status.recorder_s else ""


def _engines(networks: Mapping[str, str]) -> str:
    """How many networks run on engines; why the others do not, each reason once."""
    reasons = dict.fromkeys(why for why in networks.values() if why != "tensorrt")
    count = sum(why == "tensorrt" for why in networks.values())
    return "; ".join([f"{count} of {len(networks)} networks on TensorRT", *reasons]) if networks else ""


def _headline(state: str, health: HealthState) -> str:
    if state != "running":
        return f"The assistant is {state}."
    if health.muted:
        return health.reason
    said = "The assistant hears." if health.hears else "The assistant does not hear."
    return said if health.well else f"{said} {health.reason}".rstrip()


def _print_latency(out: Console, status: StatusResult) -> None:
    if not status.latency:
        return
    table = Table("stage", "turns", "median", "95 %", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    # The others follow in the order in which they happen.
    for stage in sorted(status.latency, key=lambda stage: stage != MOUTH_TO_EAR):
        durations = status.latency[stage]
        table.add_row(stage, str(durations.count), f"{durations.p50_s:.2f} s", f"{durations.p95_s:.2f} s")
    out.print(table)


def _duration(seconds: float) -> str:
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest_s, "s")]
    shown = [f"{count} {unit}" for count, unit in parts if count][:2]
    return " ".join(shown) or "0 s"
