"""Tells when sound is lost because the machine is too slow for what it is asked to do."""

from __future__ import annotations

from collections.abc import Callable

from assistant.events import Event, StageFailed, StageRecovered
from assistant.ports import Clock
from assistant.stages import OVERLOAD

_SETTLES_S = 3.0
"""Time after the start in which losses are not told: what came while the networks were loaded is being caught up on."""

_OVER_AFTER_S = 3.0
"""Time without a loss after which it is over."""


class Overload:
    """`StageFailed` for the first frame that is lost, `StageRecovered` with nothing lost for a while or with the
    microphone closed."""

    def __init__(self, clock: Clock, emit: Callable[[Event], None]) -> None:
        self._clock = clock
        self._emit = emit
        self._seen = 0
        self._settled_at_s = 0.0
        self._lost_at_s: float | None = None

    def begin(self, dropped: int) -> None:
        """The microphone was opened; what was lost before is not this opening's."""
        self._seen = max(self._seen, dropped)
        self._settled_at_s = self._clock.monotonic_s() + _SETTLES_S

    def note(self, dropped: int) -> None:
        """`dropped` frames have been lost since the start."""
        now_s = self._clock.monotonic_s()
        if now_s < self._settled_at_s:
            self._seen = max(self._seen, dropped)
        elif dropped > self._seen:
            if self._lost_at_s is None:
                self._emit(_failure(now_s))
            self._seen, self._lost_at_s = dropped, now_s
        elif self._lost_at_s is not None and now_s - self._lost_at_s >= _OVER_AFTER_S:
            self.end()

    def end(self) -> None:
        """It is over; also with the microphone, from which nothing can be lost while it is closed."""
        if self._lost_at_s is not None:
            self._lost_at_s = None
            self._emit(StageRecovered(self._clock.monotonic_s(), OVERLOAD))


def _failure(now_s: float) -> StageFailed:
    return StageFailed(
        now_s,
        OVERLOAD,
        "The machine is too slow: sound is being lost.",
        "Smaller models (assistant models list) or a lower vision.rate_hz take less.",
    )
