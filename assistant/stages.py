"""Says when a stage fails, and when it works again."""

from __future__ import annotations

from collections.abc import Callable

from assistant.errors import AssistantError
from assistant.events import Event, StageFailed, StageRecovered
from assistant.ports import Clock


class StageReports:
    """`StageFailed` for every failure, and one `StageRecovered` for the first success after any."""

    def __init__(self, clock: Clock, emit: Callable[[Event], None]) -> None:
        self._clock = clock
        self._emit = emit
        self._failing: set[str] = set()

    def failed(self, stage: str, error: AssistantError) -> None:
        """`stage` could not do its work."""
        self.tell(StageFailed(self._clock.monotonic_s(), stage, error.message, error.remedy or ""))

    def tell(self, failure: StageFailed) -> None:
        """Pass on a failure that somebody else put into words."""
        self._failing.add(failure.stage)
        self._emit(failure)

    def works(self, stage: str) -> None:
        """`stage` did its work."""
        if stage in self._failing:
            self._failing.discard(stage)
            self._emit(StageRecovered(self._clock.monotonic_s(), stage))
