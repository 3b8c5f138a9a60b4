"""Whether the assistant does what it is there for, computed from the path itself and never from a thread beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assistant.audio.hearing import Hearing
from assistant.worker import hung_workers


@dataclass(frozen=True, slots=True)
class LastFailure:
    """How something failed when it was asked for last."""

    reason: str
    ago_s: float


@dataclass(frozen=True, slots=True)
class Health:
    """A snapshot. `assistant status`, the watchdog and the metrics read it."""

    hears: bool
    """Fresh, changing samples at the right rate have passed the voice-activity detector just now."""
    reason: str = ""
    """Why it does not hear; empty while it does."""
    muted: bool = False
    """Microphone and camera are closed because someone asked for it, which is no fault."""
    waiting: bool = False
    """It does not hear because the microphone is missing or switched off, or because the recogniser is behind. No
    restart mends that: the one is looked for all the time, the other catches up, and meanwhile timers go on."""
    unavailable: Mapping[str, str] = field(default_factory=dict)
    """What else does not work now: stage → reason."""
    last_failures: Mapping[str, LastFailure] = field(default_factory=dict)
    """What failed when it was asked for last, by stage. Nothing tries it meanwhile, so it may work again."""
    hung: tuple[str, ...] = ()
    """Networks that hang in a native call: only a restart ends that."""

    @property
    def ok(self) -> bool:
        """Whether a supervisor may leave it alone."""
        return (self.hears or self.muted or self.waiting) and not self.hung

    @property
    def troubles(self) -> str:
        """Why it does not hear, and what hangs; empty while neither is so."""
        hangs = f"This hangs, which only a restart ends: {', '.join(self.hung)}." if self.hung else ""
        return f"{self.reason} {hangs}".strip()


def take_health(
    hearing: Hearing,
    unavailable: Mapping[str, str],
    last_failures: Mapping[str, LastFailure],
    *,
    muted: bool,
) -> Health:
    """The health of a running assistant."""
    hears, reason, waiting = hearing.state()
    if muted:
        hears, reason, waiting = False, "Muted: microphone and camera are closed.", False
    return Health(hears, reason, muted, waiting, unavailable, last_failures, hung_workers())
