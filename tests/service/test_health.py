"""What of a service's troubles is a reason to start it anew, and what is not."""

from __future__ import annotations

import anyio
import pytest

from assistant.governor.reading import Reading
from assistant.governor.sensors import Sensors
from tests.doubles.house import House
from tests.doubles.living import HangableLoop, hang, until


def test_a_temperature_sensor_that_hangs_is_no_reason_to_start_it_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.with_doubles()
    house.configure("governor", enabled=True, every_s=1.0)

    async def script() -> None:
        stuck = hang(until_s=anyio.current_time() + 60.0)

        def read(sensors: Sensors) -> Reading:
            stuck()
            return Reading()

        monkeypatch.setattr(Sensors, "read", read)
        await until(anyio.current_time() + 20.0)
        health = house.service.health()
        assert health.hears and health.ok, health

    house.live(script, HangableLoop)
