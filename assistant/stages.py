"""Says when a stage fails, and when it works again."""

from __future__ import annotations

from collections.abc import Callable

from assistant.errors import AssistantError
from assistant.events import Event, StageFailed, StageRecovered
from assistant.ports import Clock

_ON_REQUEST = ("captioner", "emotion", "interpreter", "language model", "skill", "synthesizer")
"""What the names of stages begin with that work only for somebody who says something."""


def runs_on_request(stage: str) -> bool:
    """Whether nobody knows if `stage` works until it is asked for again: nothing tries it meanwhile."""
    return stage.startswith(_ON_REQUEST)


class StageReports:
    """`StageFailed` for failures, and one `StageRecovered` for the first success after any."""

    def __init__(self, clock: Clock, emit: Callable[[Event], None]) -> None:
        self._clock = clock
        self._emit = emit
        self._failing: dict[str, str] = {}
        """Stage → the error that was told last."""

    def failed(self, stage: str, error: AssistantError) -> None:
        """`stage` could not do its work."""
        self.tell(StageFailed(self._clock.monotonic_s(), stage, error.message, error.remedy or ""))

    def still_failing(self, stage: str, error: AssistantError) -> None:
        """`stage` was tried again, and is worth a word only if that has failed in another way."""
        if self._failing.get(stage) != error.message:
            self.failed(stage, error)

    def is_failing(self, stage: str) -> bool:
        """Whether `stage` has failed and not worked since."""
        return stage in self._failing

    def tell(self, failure: StageFailed) -> None:
        """Pass on a failure that somebody else put into words."""
        self._failing[failure.stage] = failure.error
        self._emit(failure)

    def works(self, stage: str) -> None:
        """`stage` did its work."""
        if stage in self._failing:
            del self._failing[stage]
            self._emit(StageRecovered(self._clock.monotonic_s(), stage))
