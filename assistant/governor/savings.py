"""What each step takes from a running assistant."""

from __future__ import annotations

from typing import Protocol

from assistant.senses import LiveSenses

_REASON = "saving"


class Savings(Protocol):
    """Makes a step true."""

    def apply(self, step: int) -> None:
        """Do without what `step` does without, and with everything else. Must return at once."""


class LiveSavings:
    """Sight and emotion of a running assistant."""

    def __init__(self, senses: LiveSenses, slow_rate_hz: float) -> None:
        self._senses = senses
        self._slow_rate_hz = slow_rate_hz

    def apply(self, step: int) -> None:
        """See `assistant.governor.policy.STEPS`."""
        self._senses.emotions.resting = step >= 2
        watcher = self._senses.watcher
        if watcher is not None:
            watcher.limit_rate(self._slow_rate_hz if step >= 1 else None)
            watcher.leave_out_tags(step >= 2)
            # A reason of its own: a camera that was muted stays closed when it has become cool again.
            (watcher.pause if step >= 3 else watcher.resume)(_REASON)
