"""Heat, power and memory as the kernel shows them: any Linux, and what a Jetson has beside it.

Thermal zones and cooling devices: https://docs.kernel.org/driver-api/thermal/sysfs-api.html; over-current counters and
power rails of Orin: Jetson Linux Developer Guide, "Platform Power and Performance".
"""

from __future__ import annotations

from collections.abc import Iterator

from assistant.governor import memory
from assistant.governor.files import Files
from assistant.governor.reading import Reading, Temperature

_PLAUSIBLE_C = (-40.0, 150.0)
_DUDS = frozenset({"PMIC-Die"})
"""Zones that do not measure: this one of older Jetsons always says 100 °C."""
_GPU_LOADS = ("sys/devices/gpu.0/load", "sys/devices/platform/gpu.0/load", "sys/devices/platform/*/*.gpu/load")


class Sensors:
    """All sensors of a machine."""

    def __init__(self, files: Files | None = None) -> None:
        self._files = files or Files()

    def read(self) -> Reading:
        """What they say now. Blocking, for some milliseconds; never raises."""
        return Reading(
            memory_available_bytes=memory.available_bytes(self._files),
            memory_pressure=memory.pressure(self._files),
            temperatures=tuple(self._temperatures()),
            throttled=any(self._throttling()),
            overcurrent_events=self._overcurrent_events(),
            battery=self._battery(),
            gpu_load=self._gpu_load(),
            power_watts=dict(self._power()),
        )

    def _temperatures(self) -> Iterator[Temperature]:
        for zone in self._files.glob("sys/class/thermal/thermal_zone*"):
            name = self._files.text(f"{zone}/type") or zone.rpartition("/")[2]
            measured = self._files.number(f"{zone}/temp")
            if measured is None or name in _DUDS:
                continue
            celsius = measured / 1000
            if _PLAUSIBLE_C[0] < celsius < _PLAUSIBLE_C[1]:
                yield Temperature(name, celsius, self._throttles_at_c(zone))

    def _throttles_at_c(self, zone: str) -> float | None:
        """The lowest point at which the kernel slows the processors of a zone down."""
        points = []
        for kind in self._files.glob(f"{zone}/trip_point_*_type"):
            point_mc = self._files.number(kind.removesuffix("_type") + "_temp")
            # A point that is switched off is written as 0 or below.
            if self._files.text(kind) == "passive" and point_mc is not None and point_mc > 0:
                points.append(point_mc / 1000)
        return min(points, default=None)

    def _throttling(self) -> Iterator[bool]:
        for device in self._files.glob("sys/class/thermal/cooling_device*"):
            if (self._files.text(f"{device}/type") or "").endswith("throttle-alert"):
                yield bool(self._files.number(f"{device}/cur_state"))

    def _overcurrent_events(self) -> int | None:
        counts = [self._files.number(path) for path in self._files.glob("sys/class/hwmon/hwmon*/oc*_event_cnt")]
        known = [count for count in counts if count is not None]
        return round(sum(known)) if known else None

    def _battery(self) -> float | None:
        for supply in self._files.glob("sys/class/power_supply/*"):
            charge = self._files.number(f"{supply}/capacity")
            system = self._files.text(f"{supply}/scope") != "Device"  # a wireless mouse has a battery too
            discharging = self._files.text(f"{supply}/status") == "Discharging"
            if self._files.text(f"{supply}/type") == "Battery" and system and discharging and charge is not None:
                return charge / 100
        return None

    def _gpu_load(self) -> float | None:
        for pattern in _GPU_LOADS:
            for path in self._files.glob(pattern):
                load = self._files.number(path)
                if load is not None:
                    return load / 1000
        return None

    def _power(self) -> Iterator[tuple[str, float]]:
        """The rails of an INA3221, the power monitor of every Jetson."""
        for chip in self._files.glob("sys/class/hwmon/hwmon*"):
            if self._files.text(f"{chip}/name") != "ina3221":
                continue
            for label in self._files.glob(f"{chip}/in*_label"):
                number = label.rpartition("/in")[2].removesuffix("_label")
                millivolts = self._files.number(f"{chip}/in{number}_input")
                milliamperes = self._files.number(f"{chip}/curr{number}_input")
                if millivolts is not None and milliamperes is not None:
                    yield self._files.text(label) or f"rail {number}", millivolts * milliamperes / 1e6
