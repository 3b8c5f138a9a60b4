"""What `assistant say` is answered: whether this very text was heard, whatever else fails before it."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from assistant.control.protocol import Done, Say
from assistant.errors import StageError
from assistant.events import PlaybackFinished, PlaybackStarted, StageFailed
from tests.doubles.house import House, until_it_is
from tests.doubles.living import HangableLoop, until

DINNER = Say(text="Dinner is ready.")


@pytest.fixture
def house(house: House) -> House:
    house.with_doubles()
    house.configure("tts", fallback="none")
    return house


def test_a_reply_that_failed_before_it_is_no_failure_of_what_was_said(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEST_VOICE_LOG", str(tmp_path / "log"))
    house.configure("tts", en="CrashingOnce")
    house.living.says("Hey Jarvis, what can you do?")  # of the time, a new minute would take what was prepared

    async def script() -> None:
        now_s = anyio.current_time()
        house.living.room.say(now_s + 1.0)
        await until(now_s + 1.5)
        assert await house.answers(DINNER) == Done()
        assert house.living.failures("synthesizer"), "the reply, meanwhile"

    house.live(script, HangableLoop)
    assert house.living.said[-1] == DINNER.text


@pytest.mark.parametrize("lost", ["voice", "speaker"])
def test_what_nobody_heard_is_a_failure_with_its_reason(house: House, lost: str) -> None:
    if lost == "voice":
        house.configure("tts", en="Refusing")

    async def script() -> None:
        if lost == "speaker":
            house.living.sound.pull(house.speaker)
        for _ in range(2):
            with pytest.raises(StageError) as refused:
                await house.answers(DINNER)
            told = [event.error for event in house.living.log.of(StageFailed)]
            assert refused.value.message in told

    house.live(script, HangableLoop)


def test_what_is_still_being_said_when_a_reload_waits_no_longer_ends_with_its_assistant(house: House) -> None:
    story = Say(text="word " * 300)
    refused: list[str] = []

    async def say(request: Say) -> None:
        with pytest.raises(StageError) as error:
            await house.answers(request)
        refused.append(error.value.message)

    async def script() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(say, story)
            await until_it_is(lambda: house.living.log.of(PlaybackStarted))
            group.start_soon(say, DINNER)  # waits for its turn
            house.configure("wake", follow_up_s=1.0)
            assert (await house.service.reload()).restarted
            now_s = anyio.current_time()
            await until(now_s + 5.0)
            assert not house.speaker.heard_between(now_s, now_s + 5.0)
        assert refused == ["It could not be said to its end."] * 2
        assert await house.answers(DINNER) == Done()

    house.live(script, HangableLoop)
    first, *others = house.living.log.of(PlaybackFinished)
    assert not first.completed
    assert [event.text for event in others] == [DINNER.text]
