"""After a break in looking nothing is denied of the time before: the camera was away, it was muted, or it was dark."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest

from assistant.app import Assistant
from assistant.errors import DeviceError
from assistant.events import ImageArray
from tests.doubles.living import Living, until
from tests.doubles.vision import flat_picture
from tests.faults.test_camera_faults import noise


async def goes_on(assistant: Assistant) -> None:
    await until(20.0)


async def is_muted(assistant: Assistant) -> None:
    assert assistant.controls is not None
    await until(15.0)
    await assistant.controls.mute()
    await until(20.0)
    await assistant.controls.unmute()


async def is_muted_for_a_moment(assistant: Assistant) -> None:
    """Unmuted while the microphone still closes."""
    assert assistant.controls is not None
    await until(20.0)
    async with anyio.create_task_group() as group:
        group.start_soon(assistant.controls.mute)
        await anyio.lowlevel.checkpoint()
        await assistant.controls.unmute()


def unplugged(now_s: float) -> ImageArray | Exception:
    return DeviceError("Unplugged.") if 15.0 <= now_s < 19.0 else noise(now_s)


def dark(now_s: float) -> ImageArray:
    return flat_picture(2) if 15.0 <= now_s < 20.0 else noise(now_s)


@pytest.mark.parametrize(
    ("picture", "breaks", "least_s", "most_s"),
    [
        (noise, goes_on, 58, 62),
        (unplugged, goes_on, 36, 42),
        (dark, goes_on, 38, 42),
        (noise, is_muted, 38, 42),
        (noise, is_muted_for_a_moment, 38, 42),
    ],
    ids=["no break", "unplugged", "dark", "muted", "muted for a moment"],
)
def test_it_says_since_when_it_has_looked(
    living: Living,
    picture: Callable[[float], ImageArray | Exception],
    breaks: Callable[[Assistant], Awaitable[None]],
    least_s: int,
    most_s: int,
) -> None:
    living.picture = picture
    living.says("Hey Jarvis, did anyone come while I was away?")
    since: list[float | None] = []

    async def script(assistant: Assistant) -> None:
        await breaks(assistant)
        await until(60.0)
        since.append(assistant.senses.looking_since_s())
        living.room.say(60.0)
        await until(70.0)

    assert living.live(script)[-1].startswith("I haven't seen anyone come since I began to look, ")
    assert since[0] is not None
    assert least_s <= 60.0 - since[0] <= most_s
