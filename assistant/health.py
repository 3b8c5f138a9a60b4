"""Whether the assistant does what it is there for, computed from the path itself and never from a thread beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Health:
    """A snapshot. `assistant status`, the watchdog and the metrics read it."""

    hears: bool
    """Fresh, changing samples at the right rate have passed the voice-activity detector just now."""
    reason: str = ""
    """Why it does not hear; empty while it does."""
    muted: bool = False
    """Microphone and camera are closed because someone asked for it, which is no fault."""
    unavailable: Mapping[str, str] = field(default_factory=dict)
    """What else does not work now: stage → reason."""

    @property
    def ok(self) -> bool:
        """Whether a supervisor may leave it alone."""
        return self.hears or self.muted
