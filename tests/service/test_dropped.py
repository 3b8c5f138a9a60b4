"""What is lost for want of time or room is counted from the start of the process on, through reloads."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import anyio
import pytest

from assistant.control.protocol import Status, StatusResult
from tests.doubles.house import House
from tests.doubles.living import HangableLoop, until
from tests.doubles.sound_devices import Card


async def dropped(house: House) -> dict[str, int]:
    status = await house.answers(Status())
    assert isinstance(status, StatusResult)
    return status.dropped


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_events_for_which_the_disk_has_no_room(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.with_doubles()
    house.configure("telemetry", events=Path("/dev/full"))

    async def script() -> None:
        await house.controls.mute()
        with caplog.at_level(logging.ERROR):
            house.lives.save()
        assert any("Events are being lost: /dev/full" in record.getMessage() for record in caplog.records)
        lost = (await dropped(house))["events"]
        assert lost > 0
        house.configure("wake", follow_up_s=1.0)
        await house.service.reload()
        assert (await dropped(house))["events"] >= lost

    house.live(script, HangableLoop)


def test_sound_of_a_microphone_that_was_exchanged(house: House) -> None:
    house.with_doubles()
    house.living.sound.plug(Card("Headset: Audio (hw:3,0)", house.living.room))
    house.living.sound.begin()

    async def script() -> None:
        house.microphone.overflows = True
        await until(anyio.current_time() + 1.0)
        house.microphone.overflows = False
        lost = (await dropped(house))["microphone_frames"]
        house.configure("audio", input="Headset")
        await house.service.reload()
        assert (await dropped(house))["microphone_frames"] == lost > 0
        house.configure("wake", follow_up_s=1.0)
        await house.service.reload()
        assert (await dropped(house))["microphone_frames"] == lost

    house.live(script, HangableLoop)


def test_utterances_on_which_the_recogniser_fails(house: House) -> None:
    house.with_doubles()
    house.living.says(RuntimeError("the network broke"), RuntimeError("the network broke"))

    async def script() -> None:
        now_s = asyncio.get_running_loop().time()
        house.living.room.say(now_s + 1.0)
        await until(now_s + 6.0)
        assert (await dropped(house))["utterances"] == 1
        house.configure("wake", follow_up_s=1.0)
        await house.service.reload()
        assert (await dropped(house))["utterances"] == 1

    house.live(script, HangableLoop)
