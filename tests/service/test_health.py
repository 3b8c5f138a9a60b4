"""What of a service's troubles is a reason to start it anew, and what is not."""

from __future__ import annotations

import anyio
import pytest

from assistant.commands.status import show_status
from assistant.control.protocol import Status, StatusResult
from assistant.governor.reading import Reading
from assistant.governor.sensors import Sensors
from assistant.service.notify import describe
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


async def recogniser_hangs(house: House) -> float:
    """Return once that has been noticed, while it goes on; the result is when the test began."""
    now_s = anyio.current_time()
    house.living.says(hang(until_s=now_s + 20.0))
    house.living.room.say(now_s + 2.0)
    await until(now_s + 14.0)
    return now_s


def test_a_recogniser_that_hangs_is_named_to_who_asks(house: House) -> None:
    house.with_doubles()
    house.configure("asr", timeout_s=3.0)

    async def script() -> None:
        now_s = await recogniser_hangs(house)
        status = await house.answers(Status())
        assert isinstance(status, StatusResult)
        assert status.health.hears and not status.health.ok and not status.health.well
        assert status.health.reason.endswith("hangs, which only a restart ends: recogniser.")
        await until(now_s + 22.0)

    house.live(script, HangableLoop)


def test_muted_a_recogniser_that_hangs_is_named_in_one_clear_text(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house.with_doubles()
    house.configure("asr", timeout_s=3.0)

    async def script() -> None:
        now_s = await recogniser_hangs(house)
        await house.controls.mute()
        status = await house.answers(Status())
        assert isinstance(status, StatusResult)
        monkeypatch.setattr("assistant.commands.status.ask", lambda *_: status)
        capsys.readouterr()
        assert show_status(None, as_json=False) == 1
        health = house.service.health()
        said = "Muted: microphone and camera are closed. This hangs, which only a restart ends: recogniser."
        assert capsys.readouterr().out.splitlines()[0] == said
        assert describe(health).startswith(said)
        await until(now_s + 22.0)

    house.live(script, HangableLoop)
