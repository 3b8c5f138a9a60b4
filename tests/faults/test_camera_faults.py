"""The camera freezes, goes black, is slow, goes, raises and comes to its end while the assistant lives."""

from __future__ import annotations

import anyio
import numpy as np
import pytest

from assistant.app import Assistant
from assistant.errors import DeviceError
from assistant.events import (
    ImageArray,
    PlaybackFinished,
    PlaybackStarted,
    ReplyChunk,
    SceneCaption,
    SceneState,
    TurnStarted,
)
from tests.doubles.living import TIME, Dogs, Living, until
from tests.doubles.vision import EndingStream, FreezableCamera, SlowCamera, flat_picture

SEE = "Hey Jarvis, what do you see?"
RECOVERS_S = 5.0


def noise(now_s: float) -> ImageArray:
    """What a camera sees: no two pictures are alike."""
    return np.random.default_rng(round(now_s * 1000)).integers(90, 170, (48, 64, 3), np.uint8)


def test_a_camera_that_goes_is_said_once_and_never_described_as_now(living: Living) -> None:
    living.picture = lambda now_s: DeviceError("Unplugged.") if 5.0 <= now_s < 30.0 else noise(now_s)
    living.says(SEE, "Hey Jarvis, 你看到了什么？", SEE)

    async def script(assistant: Assistant) -> None:
        await until(15.0)
        assert assistant.health().unavailable == {"camera": "Unplugged."}
        assert assistant.health().hears and assistant.health().ok
        living.room.say(16.0)
        living.room.say(22.0)
        await until(30.0 + RECOVERS_S)
        assert assistant.health().unavailable == {}
        living.room.say(42.0)
        await until(50.0)

    said = living.live(script)
    assert said[0] == "I can't see right now."
    assert said[1] == "I can't see right now. The camera isn't working."
    assert said[2] == "我现在看不见，摄像头用不了。"
    assert said[3] == "我又能看见了。", "in the language that was spoken last"
    assert "dog" in said[4]
    assert len(living.failures("camera")) == len(living.recoveries("camera")) == 1
    assert all(caption.age_s < 2.0 for caption in living.log.of(SceneCaption) if caption.at_s > 40.0)


def striped(level: int) -> ImageArray:
    """A picture that is always the same."""
    picture = flat_picture(level)
    picture[:, 1::2] //= 2
    return picture


@pytest.mark.parametrize(
    ("shown", "told", "at_once"),
    [
        (striped(230), "the same picture", "I see a gray dog"),
        (flat_picture(0), "nothing but one colour", "It's too dark to see"),
    ],
    ids=["frozen", "black"],
)
def test_a_camera_that_freezes_or_goes_black_is_said_and_seen_through_again(
    living: Living, shown: ImageArray, told: str, at_once: str
) -> None:
    living.make_camera = lambda clock: FreezableCamera(
        clock, lambda now_s: shown if 5.0 <= now_s < 40.0 else noise(now_s)
    )
    living.says(SEE, SEE, SEE)

    async def script(assistant: Assistant) -> None:
        living.room.say(8.0)  # it is not known to be frozen yet
        await until(18.0)
        assert told in assistant.health().unavailable["camera"]
        assert assistant.health().ok
        living.room.say(25.0)
        await until(40.0 + RECOVERS_S)
        assert assistant.health().unavailable == {}
        living.room.say(48.0)
        await until(56.0)

    said = living.live(script)
    assert said[0].startswith(at_once)
    assert said[1] == "I can't see right now."
    assert said[2] == "I can't see right now. The camera isn't working."
    assert said[3] == "I can see again."
    assert "dog" in said[4]
    assert len(living.failures("camera")) == len(living.recoveries("camera")) == 1


def test_a_stream_that_ends_while_someone_begins_to_speak_is_opened_anew(living: Living) -> None:
    living.make_camera = lambda clock: EndingStream(clock, noise, ends_s=10.05)
    living.says(SEE, SEE)

    async def script(assistant: Assistant) -> None:
        living.room.say(10.1)
        await until(10.05 + RECOVERS_S)
        assert assistant.health().unavailable == {}
        living.room.say(18.0)
        await until(26.0)

    said = living.live(script)
    assert len(said) == 2, "it was away for less time than is worth a word"
    assert "dog" in said[1]
    assert len(living.failures("camera")) == len(living.recoveries("camera")) == 1


def test_a_slow_camera_is_described_as_what_it_is_and_holds_nobody_up(living: Living) -> None:
    """A picture takes 3.5 s, which no answer waits for."""
    living.make_camera = lambda clock: SlowCamera(clock, noise, takes_s=3.5)
    living.says(SEE, TIME, SEE)

    async def script(assistant: Assistant) -> None:
        for at_s in (10.0, 16.0, 22.0):
            living.room.say(at_s)
        await until(26.0)
        assert assistant.controls is not None
        assert assistant.health().unavailable == {}
        await assistant.controls.mute()
        await until(26.5)
        assert assistant.health().muted
        await assistant.controls.unmute()
        await until(32.0)
        assert living.log.of(SceneState)[-1].at_s > 26.5

    said = living.live(script)
    assert "dog" in said[0] and said[1].startswith("It's") and "dog" in said[2]
    begun_s = [event.at_s for event in living.log.of(PlaybackStarted)]
    heard_s = [event.speech_ended_at_s for event in living.log.of(TurnStarted)]
    assert all(begun - heard < 2.0 for begun, heard in zip(begun_s, heard_s, strict=True))
    assert all(caption.age_s < 5.0 for caption in living.log.of(SceneCaption))


def test_a_camera_that_is_too_slow_is_lost(living: Living) -> None:
    """A picture in 3.5 s, then none in 5 s, as a live camera finds."""

    def picture(now_s: float) -> ImageArray | Exception:
        return DeviceError("It delivered no picture within 5 s.") if 10.0 <= now_s < 30.0 else noise(now_s)

    living.make_camera = lambda clock: SlowCamera(clock, picture, takes_s=3.5)
    living.says(SEE)

    async def script(assistant: Assistant) -> None:
        await until(20.0)
        assert "no picture" in assistant.health().unavailable["camera"]
        living.room.say(20.0)
        await until(30.0 + RECOVERS_S)
        assert assistant.health().unavailable == {}
        await until(40.0)

    said = living.live(script)
    assert said == ["I can't see right now.", "I can't see right now. The camera isn't working.", "I can see again."]


def test_every_loss_and_every_return_of_sight_is_said(living: Living) -> None:
    lost = [(5.0, 15.0), (30.0, 40.0)]
    living.picture = lambda now_s: (
        DeviceError("Unplugged.") if any(since_s <= now_s < until_s for since_s, until_s in lost) else noise(now_s)
    )

    async def script(assistant: Assistant) -> None:
        await until(50.0)

    assert living.live(script) == ["I can't see right now.", "I can see again."] * 2


def test_the_return_of_what_nobody_heard_to_be_lost_is_not_said(living: Living) -> None:
    living.picture = lambda now_s: DeviceError("Unplugged.") if 5.0 <= now_s < 15.0 else noise(now_s)

    async def script(assistant: Assistant) -> None:
        assert assistant.controls is not None
        while not living.log.of(PlaybackStarted):  # noqa: ASYNC110 (nothing tells of it)
            await anyio.sleep(0.05)
        await assistant.controls.listen_now()  # in mid-word
        await until(25.0)

    living.live(script)
    assert [event.completed for event in living.log.of(PlaybackFinished)] == [False]


def test_a_hiccup_is_not_worth_a_word(living: Living) -> None:
    living.picture = lambda now_s: DeviceError("Unplugged.") if 5.0 <= now_s < 6.0 else noise(now_s)

    async def script(assistant: Assistant) -> None:
        await until(20.0)

    assert living.live(script) == []
    assert len(living.failures("camera")) == len(living.recoveries("camera")) == 1


def test_a_camera_that_never_worked_is_missed_only_by_who_asks(living: Living) -> None:
    living.picture = lambda now_s: DeviceError("There is no camera '0'.")
    living.says(SEE)

    async def script(assistant: Assistant) -> None:
        await until(10.0)
        living.room.say(10.0)
        await until(20.0)

    assert living.live(script) == ["I can't see right now. The camera isn't working."]


@pytest.mark.parametrize("error", [MemoryError("out of memory"), ValueError("bad frame"), OSError("no such device")])
def test_whatever_the_driver_raises_sight_is_lost_and_no_more(living: Living, error: Exception) -> None:
    living.picture = lambda now_s: error if 5.0 <= now_s < 15.0 else noise(now_s)

    async def script(assistant: Assistant) -> None:
        await until(10.0)
        assert "camera" in assistant.health().unavailable
        await until(15.0 + RECOVERS_S)
        assert assistant.health().unavailable == {}

    living.live(script)


def test_networks_that_run_out_of_memory_are_not_read_out(living: Living) -> None:
    living.picture = noise
    living.says(SEE)

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        Dogs.broken_now = True
        await until(8.0)
        assert "vision" in assistant.health().unavailable
        living.room.say(12.0)
        await until(20.0)
        Dogs.broken_now = False
        await until(20.0 + RECOVERS_S)
        assert assistant.health().unavailable == {}

    said = living.live(script)
    assert said[:2] == ["I can't see right now.", "I can't see right now. The camera isn't working."]
    assert not any("memory" in text for text in said)


def test_what_a_captioner_raises_is_neither_read_out_nor_shown(living: Living) -> None:
    living.picture = noise
    living.configure("vision", captioner="forgetful")
    living.says(SEE, "Hey Jarvis, 你看到了什么？")

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        living.room.say(3.0)
        await until(12.0)
        living.room.say(12.0)
        await until(20.0)
        health = assistant.health()
        assert "memory" in health.last_failures["captioner"].reason and health.last_failures["captioner"].ago_s < 8.0
        assert not health.unavailable.keys() & {"captioner", "skill scene_describe"}, "nobody knows"

    said = living.live(script)
    assert said == ["Sorry, something went wrong while I was doing that.", "抱歉，刚才出了点问题，我没能做到。"]
    assert not living.log.of(SceneCaption)
    assert [event.text for event in living.log.of(ReplyChunk)] == said


def test_the_end_of_a_film_is_no_failure(living: Living) -> None:
    living.picture = lambda now_s: None if now_s > 5.0 else noise(now_s)

    async def script(assistant: Assistant) -> None:
        await until(20.0)
        assert assistant.health().ok

    assert living.live(script) == []
    assert not living.failures("camera")


def test_without_a_camera_it_says_that_it_does_not_see(living: Living) -> None:
    living.says(SEE)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(8.0)

    assert living.live(script) == ["I can't see right now. The camera isn't working."]


def test_it_looks_as_soon_as_someone_speaks(living: Living) -> None:
    """Nothing moves, so that it has not looked for long."""
    living.picture = lambda now_s: flat_picture(200)
    living.configure("vision", still_s=60.0)
    living.says(SEE)

    async def script(assistant: Assistant) -> None:
        living.room.say(30.0)
        await until(40.0)

    living.live(script)
    [caption] = living.log.of(SceneCaption)
    assert caption.age_s < 3.0


def test_what_was_seen_long_ago_is_named_as_old(living: Living) -> None:
    """A camera whose driver hangs without a word: the newest picture gets older and older."""
    living.picture = lambda now_s: flat_picture(200) if now_s < 3.0 else None
    living.says(SEE)

    async def script(assistant: Assistant) -> None:
        await until(60.0)
        living.room.say(60.0)
        await until(70.0)

    [said] = living.live(script)
    assert " ago I saw " in said
    assert living.log.of(SceneState)
