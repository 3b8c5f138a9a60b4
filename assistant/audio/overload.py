"""Tells when sound is lost because the machine is too slow for what it is asked to do."""

from __future__ import annotations

from collections.abc import Callable

from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from assistant.events import Event, StageFailed, StageRecovered
from assistant.ports import Clock

_STAGE = "overload"
_SETTLES_S = 3.0
"""Time after the start in which losses are not told: what came while the networks were loaded is being caught up on."""

_OVER_AFTER_S = 3.0
"""Time without a loss after which it is over."""


class Overload:
    """`StageFailed` for the first frame that is lost, `StageRecovered` with nothing lost for a while."""

    def __init__(self, clock: Clock, emit: Callable[[Event], None]) -> None:
        self._clock = clock
        self._emit = emit
        self._seen = self._before = 0
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
                self._before = self._seen
                self._emit(self._failure(now_s, dropped))
            self._seen, self._lost_at_s = dropped, now_s
        elif self._lost_at_s is not None and now_s - self._lost_at_s >= _OVER_AFTER_S:
            self._lost_at_s = None
            self._emit(StageRecovered(now_s, _STAGE))

    def _failure(self, now_s: float, dropped: int) -> StageFailed:
        seconds = (dropped - self._before) * FRAME_SAMPLES / SAMPLE_RATE_HZ
        return StageFailed(
            now_s,
            _STAGE,
            f"The machine is too slow: sound is being lost, {seconds:.1f} s so far.",
            "Smaller models (assistant models list) or a lower vision.rate_hz take less.",
        )
