"""What the parts of one assistant have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assistant.config import Config
from assistant.events import Event
from assistant.ports import Clock
from assistant.stages import StageReports


@dataclass(frozen=True, slots=True)
class Common:
    """The same for all of them, for as long as the assistant lives."""

    config: Config
    clock: Clock
    emit: Callable[[Event], None]
    """Shows an event to everyone who watches."""
    stages: StageReports
    """Knows what failed before."""

    @classmethod
    def create(cls, config: Config, clock: Clock, emit: Callable[[Event], None]) -> Common:
        """At the beginning, when nothing has failed."""
        return cls(config, clock, emit, StageReports(clock, emit))
