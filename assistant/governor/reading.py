"""What the sensors say at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Temperature:
    """One thermal zone."""

    zone: str
    """The kernel's name for it: "cpu-thermal", "tj-thermal"."""
    celsius: float
    throttles_at_c: float | None = None
    """Where the kernel begins to slow the machine down, if it says so."""


@dataclass(frozen=True, slots=True)
class Reading:
    """None, and what is empty, is what this machine has no sensor for."""

    memory_available_bytes: int | None = None
    """What can still be allocated, the limits of our control groups included."""
    memory_pressure: float | None = None
    """Share (0 to 1) of the last ten seconds in which every task waited for memory."""
    temperatures: tuple[Temperature, ...] = ()
    throttled: bool = False
    """Whether the kernel slows the machine down because of heat right now."""
    overcurrent_events: int | None = None
    """How often the board was slowed down for drawing too much current, since it was switched on."""
    battery: float | None = None
    """Charge (0 to 1) while running on a battery; None on mains."""
    gpu_load: float | None = None
    """0 to 1."""
    power_watts: Mapping[str, float] = field(default_factory=dict)
    """By rail."""

    @property
    def hottest(self) -> Temperature | None:
        """The hottest zone."""
        return max(self.temperatures, key=lambda zone: zone.celsius, default=None)
