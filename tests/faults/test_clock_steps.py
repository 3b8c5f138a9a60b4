"""A time server steps the wall clock by an hour; nothing but the time of day goes by it."""

from __future__ import annotations

from pathlib import Path

import anyio
import numpy as np
import pytest

from assistant.app import Assistant
from assistant.events import Notice, PlaybackFinished, SpeechChunk
from assistant.service.notify import Notifier, keep_told
from tests.doubles.conversation import SteppedClock
from tests.doubles.house import until_it_is
from tests.doubles.living import Living, until
from tests.service.test_notify import Systemd

RECOVERS_S = 5.0


class Watched:
    """An assistant that a supervisor asks how it is."""

    config_error = ""
    reloading_since_s = None

    def __init__(self, assistant: Assistant) -> None:
        self.health = assistant.health


@pytest.mark.parametrize("by_s", [3600.0, -3600.0])
def test_a_step_ends_no_reply_no_window_and_no_wait_for_a_device(living: Living, tmp_path: Path, by_s: float) -> None:
    clock = living.clock = SteppedClock()
    systemd = Systemd(str(tmp_path / "notify.sock"))
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify.sock"), "WATCHDOG_USEC": "9000000"})
    living.says("Hey Jarvis, what can you do?", "What time is it?", "What time is it?")
    fed_s: list[float] = []

    async def supervise(assistant: Assistant) -> None:
        while True:
            await anyio.sleep(0.5)
            assert assistant.health().ok or anyio.current_time() < 1.0, assistant.health()
            fed_s.extend(anyio.current_time() for message in systemd.heard() if message == "WATCHDOG=1")

    async def window_ends(number: int) -> float:
        """When the window of that number does, counted from 1, once it is open."""

        def opened() -> list[Notice]:
            return [event for event in living.log.of(Notice) if event.kind == "attentive"]

        await until_it_is(lambda: len(opened()) == number)
        return float(opened()[-1].details["until_s"])

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(4.0)
        assert living.speaker.heard_between(3.9, 4.0)
        clock.step(by_s)
        ends_s = await window_ends(1)
        await until(ends_s - 4.0)
        clock.step(by_s)
        living.room.say(ends_s - 0.3)
        ends_s = await window_ends(2)
        await until(ends_s - 4.0)
        clock.step(by_s)
        living.room.say(ends_s + 0.6)
        await until(ends_s + 4.0)
        living.sound.pull(living.microphone)
        await until(ends_s + 9.0)
        assert not assistant.health().hears
        clock.step(by_s)
        await until(ends_s + 12.0)
        living.sound.plug(living.microphone)
        await anyio.sleep(RECOVERS_S)
        assert assistant.health().hears

    try:
        said = living.live(script, supervise, lambda assistant: keep_told(notifier, Watched(assistant)))
    finally:
        systemd.close()
    answer = f"It's {'two' if by_s > 0 else 'ten'} o'clock."
    assert said[1:] == [answer, "I can't hear anything right now.", "I can hear you again."], "none after the window"
    reply, *_ = living.log.of(PlaybackFinished)
    spoken = [chunk for chunk in living.log.of(SpeechChunk) if chunk.turn_id == reply.turn_id]
    assert reply.completed
    assert reply.played_s == pytest.approx(sum(len(chunk.samples) / chunk.sample_rate_hz for chunk in spoken), abs=0.01)
    asleep_s = [event.at_s for event in living.log.of(Notice) if event.kind == "asleep"]
    assert len(asleep_s) == 1
    assert len(fed_s) > 10 and np.diff(fed_s).max() < 4.5, "twice as often as it must be"
