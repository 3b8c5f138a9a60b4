"""What is read from sysfs and procfs: machines as folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.governor.files import Files
from assistant.governor.sensors import Sensors
from tests.doubles.machine import TracedMachine


def machine(root: Path, **files: str) -> Sensors:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    return Sensors(Files(root))


def test_an_orin_nano_is_read(tmp_path: Path) -> None:
    reading = Sensors(Files(TracedMachine(tmp_path, "orin-nano-warms-up").root)).read()
    assert [zone.zone for zone in reading.temperatures] == ["cpu-thermal", "gpu-thermal", "soc0-thermal", "tj-thermal"]
    assert reading.hottest is not None
    assert (reading.hottest.celsius, reading.hottest.throttles_at_c) == (52.0, 99.0)
    assert reading.memory_available_bytes == 3_904_512 * 1024
    assert reading.gpu_load == pytest.approx(0.312)
    assert reading.power_watts["VDD_IN"] == pytest.approx(5.032 * 1.48)
    assert (reading.overcurrent_events, reading.throttled, reading.battery) == (0, False, None)


def test_the_tightest_control_group_counts_and_its_droppable_cache_is_free(tmp_path: Path) -> None:
    sensors = machine(
        tmp_path,
        proc__meminfo="MemTotal: 8000000 kB\nMemAvailable: 5000000 kB",
        **{
            "proc__self__cgroup": "0::/system.slice/a.service",
            "sys__fs__cgroup__system.slice__a.service__memory.max": "max",
            "sys__fs__cgroup__system.slice__memory.max": "2000000000",
            "sys__fs__cgroup__system.slice__memory.high": "1500000000",
            "sys__fs__cgroup__system.slice__memory.current": "1400000000",
            "sys__fs__cgroup__system.slice__memory.stat": "anon 9\ninactive_file 300000000",
        },
    )
    assert sensors.read().memory_available_bytes == 400_000_000


def test_control_groups_of_the_first_version_count_too(tmp_path: Path) -> None:
    sensors = machine(
        tmp_path,
        **{
            "proc__self__cgroup": "4:memory:/box\n0::/",
            "sys__fs__cgroup__memory__box__memory.limit_in_bytes": "1000000000",
            "sys__fs__cgroup__memory__box__memory.usage_in_bytes": "900000000",
            "sys__fs__cgroup__memory__box__memory.stat": "cache 5\ntotal_inactive_file 50000000",
            # Without a limit it says so by a number beyond every memory.
            "sys__fs__cgroup__memory__memory.limit_in_bytes": "9223372036854771712",
            "sys__fs__cgroup__memory__memory.usage_in_bytes": "900000000",
        },
    )
    assert sensors.read().memory_available_bytes == 150_000_000


def test_what_does_not_measure_is_not_believed(tmp_path: Path) -> None:
    sensors = machine(
        tmp_path,
        sys__class__thermal__thermal_zone0__type="PMIC-Die",
        sys__class__thermal__thermal_zone0__temp="100000",
        sys__class__thermal__thermal_zone1__type="acpitz",
        sys__class__thermal__thermal_zone1__temp="-273200",
        sys__class__thermal__thermal_zone2__type="broken",
        sys__class__thermal__thermal_zone2__temp="none of your business",
    )
    assert sensors.read().temperatures == ()


def test_a_machine_without_sensors_and_this_one_are_read(tmp_path: Path) -> None:
    assert Sensors(Files(tmp_path)).read().memory_available_bytes is None
    available = Sensors().read().memory_available_bytes
    assert available is not None
    assert available > 0
