"""When to do less, and when to do more again: a state machine over readings, without I/O and without a clock.

A step down is taken when something stays strained for a while, at once when it is about to fail; the next one only
after the last could show an effect. A step up is taken after everything was good for some time, one at a time. Between
strained and good nothing changes, so a value that trembles about its limit moves nothing; and whoever relapses soon
after a step up waits twice as long for the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypeAlias

from assistant.config import GovernorConfig
from assistant.governor.reading import Reading, Temperature

Cause: TypeAlias = Literal["memory", "temperature", "power"]

STEPS = 3
"""0 is everything; 1: look less often; 2: no emotion and no scene tags; 3: no sight."""
_PATIENCE_S = 10.0
"""A strain must last that long."""
_EFFECT_S = 30.0
"""A step needs that long to show an effect."""
_SEVERE_EFFECT_S = 10.0
_COOLER_C = 5.0
_FREER = 1.25
_CHARGED = 0.05
_PRESSURE = (0.1, 0.3)
"""Share of time lost to waiting for memory that is a strain, and that is severe."""
_BELOW_THROTTLING_C = (5.0, 1.0)
"""How far below the kernel's own limit it is warm, and hot, where that limit is lower than the configured ones."""
_OVERCURRENT_S = (30.0, 120.0)
"""How long an over-current event is a strain, and how long it keeps the steps."""
_LONGEST_RECOVERY_S = 900.0
_RELAPSES = 10
"""Counted at most."""


class Strain(IntEnum):
    """How a resource is doing."""

    GOOD = 0
    BETWEEN = 1
    """Neither a reason to do less nor one to do more."""
    STRAINED = 2
    SEVERE = 3


@dataclass(frozen=True, slots=True)
class Assessment:
    """How one resource is doing, and why."""

    cause: Cause
    strain: Strain
    evidence: str
    """The value that says so, for people: "82 °C at tj-thermal"."""


@dataclass(frozen=True, slots=True)
class Change:
    """A step that was taken."""

    step: int
    before: int
    because: Assessment | None
    """What made it necessary; None for a step up."""


class Policy:
    """Decides; whoever calls it acts."""

    def __init__(self, config: GovernorConfig) -> None:
        self._config = config
        self.step = 0
        self.worst: Assessment | None = None
        """The resource that is doing worst; None before the first reading and while there is no sensor."""
        self._strained_since_s = math.inf
        self._good_since_s = math.inf
        self._changed_at_s = -math.inf
        self._eased_at_s = -math.inf
        self._relapses = 0
        self._overcurrent_events: int | None = None
        self._overcurrent_at_s = -math.inf

    def decide(self, reading: Reading, now_s: float) -> Change | None:
        """Take a reading; the step that it calls for, None to stay."""
        self._note_overcurrent(reading, now_s)
        self.worst = max(self._assess(reading, now_s), key=lambda found: found.strain, default=None)
        strain = self.worst.strain if self.worst else Strain.GOOD
        self._strained_since_s = min(self._strained_since_s, now_s) if strain >= Strain.STRAINED else math.inf
        self._good_since_s = min(self._good_since_s, now_s) if strain == Strain.GOOD else math.inf
        if self.step < STEPS and self._must_do_less(strain, now_s):
            return self._move(self.step + 1, now_s)
        if self.step > 0 and now_s - max(self._good_since_s, self._changed_at_s) >= self._recovery_s():
            return self._move(self.step - 1, now_s)
        return None

    def _must_do_less(self, strain: Strain, now_s: float) -> bool:
        if strain == Strain.SEVERE:
            return now_s - self._changed_at_s >= _SEVERE_EFFECT_S
        lasted = now_s - self._strained_since_s >= _PATIENCE_S
        return strain == Strain.STRAINED and lasted and now_s - self._changed_at_s >= _EFFECT_S

    def _recovery_s(self) -> float:
        return min(self._config.recover_s * 2.0**self._relapses, max(_LONGEST_RECOVERY_S, self._config.recover_s))

    def _move(self, step: int, now_s: float) -> Change:
        before, self.step = self.step, step
        if step > before:
            if now_s - self._eased_at_s < 2 * self._recovery_s():
                self._relapses = min(self._relapses + 1, _RELAPSES)
            elif before == 0:
                self._relapses = 0
            self._eased_at_s = -math.inf
        else:
            self._eased_at_s = now_s
        self._changed_at_s = now_s
        return Change(step, before, self.worst if step > before else None)

    def _note_overcurrent(self, reading: Reading, now_s: float) -> None:
        known, self._overcurrent_events = self._overcurrent_events, reading.overcurrent_events
        if known is not None and reading.overcurrent_events is not None and reading.overcurrent_events > known:
            self._overcurrent_at_s = now_s

    def _assess(self, reading: Reading, now_s: float) -> Iterator[Assessment]:
        config = self._config
        if reading.memory_available_bytes is not None:
            free_mb = reading.memory_available_bytes / 1e6
            limits = (config.low_memory_mb * _FREER, config.low_memory_mb, config.critical_memory_mb)
            yield Assessment("memory", _falling(free_mb, limits), f"{free_mb:.0f} MB of memory left")
        if reading.memory_pressure is not None:
            lost = reading.memory_pressure
            strain = _rising(lost, (_PRESSURE[0] / 2, *_PRESSURE))
            yield Assessment("memory", strain, f"{lost:.0%} of the time lost to waiting for memory")
        if reading.temperatures:
            zone = max(reading.temperatures, key=lambda zone: (self._heat(zone), zone.celsius))
            yield Assessment("temperature", self._heat(zone), f"{zone.celsius:.0f} °C at {zone.zone}")
        if reading.throttled:
            yield Assessment("temperature", Strain.STRAINED, "slowed down by the kernel because of heat")
        if reading.battery is not None:
            low = config.low_battery
            strain = _falling(reading.battery, (low + _CHARGED, low, low / 2))
            yield Assessment("power", strain, f"battery at {reading.battery:.0%}")
        ago_s = now_s - self._overcurrent_at_s
        if ago_s < _OVERCURRENT_S[1]:
            strain = Strain.STRAINED if ago_s < _OVERCURRENT_S[0] else Strain.BETWEEN
            yield Assessment("power", strain, "slowed down for drawing too much current")

    def _heat(self, zone: Temperature) -> Strain:
        warm_c, hot_c = self._config.warm_c, self._config.hot_c
        if zone.throttles_at_c is not None:
            warm_c = min(warm_c, zone.throttles_at_c - _BELOW_THROTTLING_C[0])
            hot_c = min(hot_c, zone.throttles_at_c - _BELOW_THROTTLING_C[1])
        return _rising(zone.celsius, (warm_c - _COOLER_C, warm_c, hot_c))


def _rising(value: float, limits: tuple[float, float, float]) -> Strain:
    """Where high is bad: the limits of good, strained and severe."""
    return Strain(sum(value >= limit for limit in limits))


def _falling(value: float, limits: tuple[float, float, float]) -> Strain:
    """Where low is bad."""
    return Strain(sum(value <= limit for limit in limits))
