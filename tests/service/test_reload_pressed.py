"""The talk button while a new configuration is brought into force: the service goes on, whenever it is pressed."""

from __future__ import annotations

import os
import signal

import anyio
import anyio.lowlevel
import pytest

from assistant.control.protocol import Listen, Say
from assistant.errors import ControlError
from assistant.events import Interruption, PlaybackStarted
from assistant.service.signals import handle_signals
from tests.doubles.house import House, until_it_is
from tests.doubles.living import HangableLoop


@pytest.fixture
def house(house: House) -> House:
    house.with_doubles()
    return house


def press() -> None:
    os.kill(os.getpid(), signal.SIGUSR2)


async def until_reloading(house: House) -> None:
    """Looks at every turn of the loop: in virtual time, a reload may take none."""
    while house.service.state != "reloading":
        await anyio.lowlevel.checkpoint()


def test_pressed_over_the_reply_that_a_reload_waits_for_it_ends_that_and_not_the_service(house: House) -> None:
    house.living.says("Hey Jarvis, what can you do?")

    async def script() -> None:
        async with anyio.create_task_group() as companions:
            await companions.start(handle_signals, house.service, companions, lambda: None, house.lives.toggle_mute)
            house.living.room.say(anyio.current_time() + 1.0)
            await until_it_is(lambda: house.living.log.of(PlaybackStarted))
            house.configure("wake", follow_up_s=1.0)
            companions.start_soon(house.service.reload)
            await anyio.sleep(0.5)
            press()
            await until_reloading(house)
            assert [event.reason for event in house.living.log.of(Interruption)] == ["called"]
            while house.service.state == "reloading":
                press()
                await anyio.lowlevel.checkpoint()
            await house.controls.listen_now()
            companions.cancel_scope.cancel()

    house.live(script, HangableLoop)


def test_who_has_it_pressed_meanwhile_is_told_that_nobody_listens(house: House) -> None:
    async def script() -> None:
        async def refused() -> None:
            with pytest.raises(ControlError):
                await house.answers(Listen())

        async with anyio.create_task_group() as group:
            group.start_soon(house.answers, Say(text="word " * 300))
            await until_it_is(lambda: house.living.log.of(PlaybackStarted))
            house.configure("wake", follow_up_s=1.0)
            group.start_soon(house.service.reload)
            await anyio.sleep(0.5)
            group.start_soon(refused)
            await until_reloading(house)
            while house.service.state == "reloading":
                await refused()
                await anyio.lowlevel.checkpoint()

    house.live(script, HangableLoop)
