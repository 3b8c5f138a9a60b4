"""What stands at the head of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from assistant.telemetry.machine import Machine


@dataclass(frozen=True, slots=True)
class ReportHeader:
    """What a reader must know to judge the run."""

    title: str
    created: datetime
    """Local date and time."""
    machine: Machine
    speed: Literal["realtime", "max"]
    """"max" is virtual time: stages show measured work, and no latency was measured."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Package → version."""
    models: Mapping[str, str] = field(default_factory=dict)
    """Job → model or voice, such as {"recogniser": "whisper-base"}."""
    questions_spoken_by: str | None = None
    """The voice that synthesised what the person says; None when nothing of it is known to be synthesised."""
    questions_partly_synthesised: bool = False
    """Whether some of it was not: people recorded it, or nobody says who did."""
