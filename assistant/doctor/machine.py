"""Board, memory, heat and power."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.doctor.check import Check, Patient
from assistant.governor.files import Files
from assistant.governor.reading import Reading
from assistant.governor.sensors import Sensors
from assistant.inference.fingerprint import l4t_version, power_mode
from assistant.telemetry.machine import describe_machine

_COMFORTABLE_BYTES = 1_000_000_000
"""What the assistant takes with both voices, rounded up."""
_FULL_POWER = ("MAXN", "MAXN_SUPER", "unknown")


def examine(patient: Patient) -> Iterator[Check]:
    """What the machine is, and how it is doing."""
    yield Check("machine", True, str(describe_machine()))
    l4t = l4t_version(patient.root / "etc/nv_tegra_release")
    if l4t:
        yield Check("Jetson Linux", True, l4t)
        mode = power_mode()
        remedy = "The fastest mode: sudo nvpmodel -m 0 (on Orin Nano 8 GB with JetPack 6.2: -m 2)"
        yield Check("power mode", mode in _FULL_POWER, mode, remedy, needed=False)
    reading = Sensors(Files(patient.root)).read()
    if reading.memory_available_bytes is not None:
        free = reading.memory_available_bytes
        remedy = 'Close what else runs, or use less: asr.model = "whisper-tiny.en", vision.camera = "none".'
        yield Check("memory", free > _COMFORTABLE_BYTES, f"{free / 1e9:.1f} GB available", remedy, needed=False)
    yield from _heat(patient, reading)
    yield from _power(reading)


def _heat(patient: Patient, reading: Reading) -> Iterator[Check]:
    hottest = reading.hottest
    if hottest is None:
        yield Check("temperature", True, "this machine shows none")
        return
    warm = hottest.celsius >= patient.config.governor.warm_c or reading.throttled
    slowed = ", slowed down by the kernel" if reading.throttled else ""
    found = f"{hottest.celsius:.0f} °C at {hottest.zone}{slowed}"
    yield Check("temperature", not warm, found, "Give it air, or a fan that turns.", needed=False)


def _power(reading: Reading) -> Iterator[Check]:
    if reading.overcurrent_events:
        found = f"slowed down {reading.overcurrent_events} times for drawing too much current since it was switched on"
        yield Check("power supply", False, found, "Use the supply that the board came with.", needed=False)
    if reading.battery is not None:
        yield Check(
            "battery", reading.battery > 0.2, f"{reading.battery:.0%}, discharging", "Plug it in.", needed=False
        )
