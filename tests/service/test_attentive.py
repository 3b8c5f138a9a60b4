"""Whether a wake phrase is needed now, as a running service tells whoever asks."""

from __future__ import annotations

import anyio

from assistant.control.protocol import Listen, Mute, Status, StatusResult, Unmute
from assistant.service.answers import Answers
from assistant.telemetry.latency import LatencyStatistics
from tests.doubles.house import House
from tests.doubles.living import HangableLoop


def test_it_tells_that_no_wake_phrase_is_needed_until_the_window_ends_or_it_is_muted(house: House) -> None:
    house.with_doubles()

    async def script() -> None:
        answer = Answers(house.service, LatencyStatistics())

        async def attentive() -> bool:
            result = await answer(Status())
            assert isinstance(result, StatusResult)
            return result.attentive

        assert not await attentive()
        await answer(Listen())
        assert await attentive()
        await anyio.sleep(10.0)
        assert not await attentive()
        await answer(Listen())
        await answer(Mute())
        assert not await attentive()
        await answer(Unmute())
        assert not await attentive()

    house.live(script, HangableLoop)
