"""Muted: by voice, by command, at the start; microphone and camera are closed, and stay so through a restart."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from assistant.app import Assistant
from assistant.errors import ControlError, DeviceError
from assistant.events import AudioFrame, Notice, SceneState, SpeechStarted
from assistant.muting import MuteMemory
from tests.doubles.living import TIME, Living, Words, hang, health_every, until
from tests.doubles.sound_devices import Card
from tests.faults.test_camera_faults import noise


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def notices(living: Living) -> list[str]:
    return [event.kind for event in living.log.of(Notice) if event.kind in ("listening", "muted", "unmuted")]


def test_muted_by_voice_it_neither_hears_nor_sees_until_it_is_unmuted(living: Living, state: Path) -> None:
    living.state, living.picture = state, noise
    living.says("Hey Jarvis, stop listening.", TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(8.0)
        health = assistant.health()
        assert (health.muted, health.hears, health.ok) == (True, False, True)
        assert health.reason == "Muted: microphone and camera are closed."
        seen = len(living.log.of(SceneState))
        living.room.say(9.0)
        await until(20.0)
        assert len(living.log.of(SceneState)) == seen
        assert len(living.log.of(SpeechStarted)) == 1
        assert assistant.controls is not None
        await assistant.controls.unmute()
        await until(21.5)
        assert assistant.health().hears and not assistant.health().muted
        living.room.say(22.0)
        await until(28.0)
        assert len(living.log.of(SceneState)) > seen

    said = living.live(script)
    assert said[0] == "Okay, I've stopped listening and looking."
    assert said[1].startswith("It's")
    assert notices(living) == ["listening", "muted", "unmuted"]
    assert living.microphone.opened == 2
    assert not living.log.of(AudioFrame)


def test_what_can_be_kept_again_once_the_assistant_has_ended_is_said_to_nobody(
    living: Living, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    living.state = state
    (state / "muted" / "by whom").mkdir(parents=True)
    assistants: list[Assistant] = []

    async def unmute() -> None:
        assert assistants[0].controls is not None
        await assistants[0].controls.unmute()

    async def script(assistant: Assistant) -> None:
        assistants.append(assistant)
        await until(1.0)
        await unmute()
        await until(15.0)

    assert len(living.live(script)) == 1 and "can't save" in living.said[0]
    shutil.rmtree(state / "muted")
    anyio.run(unmute)
    assert living.recoveries("state")
    assert "An observer failed" not in caplog.text


def test_muted_it_stays_so_through_a_restart_and_opens_nothing(
    living: Living, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    living.state = state

    async def mute(assistant: Assistant) -> None:
        await until(1.0)
        assert assistant.controls is not None
        await assistant.controls.toggle_mute()

    living.live(mute)
    (tmp_path / "again").mkdir()
    again = Living(tmp_path / "again", monkeypatch)
    again.state, again.picture = state, noise
    cameras: list[int] = []
    again.says(TIME)

    async def live_muted(assistant: Assistant) -> None:
        again.room.say(2.0)
        await until(10.0)
        assert assistant.health().muted and assistant.health().ok
        assert (again.microphone.opened, again.log.of(SceneState)) == (0, [])
        assert assistant.controls is not None
        await assistant.controls.unmute()
        await until(12.0)
        assert assistant.health().hears
        again.room.say(12.0)
        await until(18.0)
        cameras.append(len(again.log.of(SceneState)))

    said = again.live(live_muted)
    assert notices(again) == ["muted", "unmuted"]
    assert len(said) == 1 and cameras[0] > 0
    assert list(state.iterdir()) == []


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("microphone", ["I can't hear anything right now.", "I can hear you again."]),
        ("camera", ["I can't see right now.", "I can see again."]),
    ],
)
def test_what_is_lost_before_it_is_muted_is_said_only_if_it_is_lost_afterwards_too(
    living: Living, lost: str, said: list[str]
) -> None:
    gone_until_s = 50.0
    if lost == "camera":
        living.picture = lambda now_s: DeviceError("Unplugged.") if 5.0 <= now_s < gone_until_s else noise(now_s)

    async def script(assistant: Assistant) -> None:
        await until(5.0)
        if lost == "microphone":
            living.sound.pull(living.microphone)
        await until(7.5)
        assert lost in assistant.health().unavailable
        assert assistant.controls is not None
        await assistant.controls.mute()
        await until(30.0)
        assert living.said == []
        await assistant.controls.unmute()
        await until(gone_until_s)
        if lost == "microphone":
            living.sound.plug(living.microphone)
        await until(60.0)

    assert living.live(script) == said


def test_muted_while_the_driver_hangs_a_restart_finds_it_muted(living: Living, state: Path) -> None:
    living.state = state
    kept: list[bool] = []

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        living.sound.hanging["close"] = hang(until_s=10.0)
        assert assistant.controls is not None
        async with anyio.create_task_group() as group:
            group.start_soon(assistant.controls.mute)
            await anyio.sleep(0.1)
            kept.append(MuteMemory(state).recall())  # by whoever runs next: it may be killed now
        await until(12.0)

    living.live(script)
    assert kept == [True]


def test_the_talk_button_during_the_start_is_refused_or_waits_and_ends_nothing(living: Living) -> None:
    living.says("What time is it?")

    async def script(assistant: Assistant) -> None:
        assert assistant.controls is not None
        with pytest.raises(ControlError, match="still starting"):  # nothing of `run` has been done yet
            await assistant.controls.listen_now()
        with pytest.raises(ControlError, match="still starting"):
            await assistant.controls.announce("Dinner is ready.", "en")
        await anyio.lowlevel.checkpoint()
        await assistant.controls.listen_now()
        living.room.say(2.0)
        await until(8.0)

    assert living.live(script)[-1].startswith("It's")


def test_muted_between_start_and_run_nothing_stays_open(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        assert assistant.controls is not None
        await assistant.controls.mute()
        await until(3.0)
        assert not living.sound.recording
        await assistant.controls.unmute()
        await until(5.0)
        assert living.sound.recording and assistant.health().hears

    living.live(script)


def test_a_memory_that_cannot_be_read_is_taken_for_a_mute(tmp_path: Path) -> None:
    """As in a folder that it may not enter: who was told not to listen must not begin to."""
    assert MuteMemory(Path("no file has a name as long as this" * 20)).recall()
    (tmp_path / "muted").symlink_to(tmp_path / "muted")
    assert MuteMemory(tmp_path).recall()
    assert not MuteMemory(tmp_path / "not there").recall()


def test_muted_a_look_for_devices_opens_no_microphone(living: Living) -> None:
    """The sound library begins anew because the speaker needs it, and every stream that is in use with it."""

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        assert assistant.controls is not None
        await assistant.controls.mute()
        living.sound.pull(living.speaker)
        living.sound.plug(Card("Headset: Audio (hw:3,0)"))
        assert await assistant.controls.announce("Dinner is ready.", "en")
        assert living.sound.scans and not living.sound.recording

    living.live(script)
    assert living.microphone.opened == 1


def test_a_disk_that_is_full_does_not_keep_it_from_being_muted(living: Living, tmp_path: Path) -> None:
    living.state = tmp_path / "gone" / "state"
    (tmp_path / "gone").write_text("a file where a folder should be")

    async def script(assistant: Assistant) -> None:
        await until(1.0)
        assert assistant.controls is not None
        await assistant.controls.mute()
        await until(2.0)
        assert assistant.health().muted
        assert "restart will not know" in assistant.health().unavailable["state"]

    living.live(script)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["I can't save anything right now, so a restart may lose what you have set.", "I can save again."]),
        ("zh", ["我现在没法保存，重启的话，你设好的可能会丢。", "我又能保存了。"]),
    ],
)
def test_who_unmutes_it_and_has_no_timers_is_told_of_no_timers_where_that_cannot_be_kept(
    living: Living, state: Path, language: str, said: list[str]
) -> None:
    living.state = state
    living.configure("dialogue", reply_language=language)

    async def script(assistant: Assistant) -> None:
        await until(1.0)
        assert assistant.controls is not None
        await assistant.controls.mute()
        mark = state / "muted"
        mark.unlink()
        mark.mkdir()  # which cannot be removed as a file
        await assistant.controls.unmute()
        await until(12.0)
        mark.rmdir()
        await until(20.0)

    assert living.live(script) == said


def test_who_unmutes_it_while_the_driver_still_closes_is_not_told_that_it_is_muted(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(2.0)
        living.sound.hanging["close"] = hang(until_s=4.0)
        assert assistant.controls is not None
        async with anyio.create_task_group() as group:
            group.start_soon(assistant.controls.toggle_mute)
            await anyio.sleep(0.5)
            await assistant.controls.toggle_mute()
        await until(8.0)
        assert assistant.health().hears

    living.live(script)
    assert notices(living) == ["listening", "unmuted"]


def test_what_was_heard_before_it_was_muted_does_not_count_once_it_is_unmuted(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(2.0)
        assert assistant.controls is not None
        await assistant.controls.mute()
        await until(3600.0)
        await assistant.controls.unmute()
        assert assistant.health().reason == "The microphone is not open yet."
        seen = await health_every(assistant, 0.05, until_s=3603.0)
        assert not any("delivered nothing" in health.reason for _, health in seen)
        assert assistant.health().hears

    living.live(script)


def say_more_than_it_can_recognise(living: Living, until_s: float) -> None:
    """A sentence of 4 s every 5.4 s, each of which takes 16 s."""
    Words.real_time_factor = 4.0
    for begins_s in np.arange(1.0, until_s, 5.4):
        living.room.say(begins_s, 4.0)


def test_a_recogniser_that_is_behind_is_no_reason_for_a_restart_though_it_is_muted_and_unmuted(living: Living) -> None:
    living.says(*[TIME] * 10)

    async def script(assistant: Assistant) -> None:
        say_more_than_it_can_recognise(living, 30.0)
        await until(28.0)
        assert "not been taken" in assistant.health().reason
        assert assistant.controls is not None
        await assistant.controls.mute()
        await until(29.0)
        await assistant.controls.unmute()
        assert all(health.ok for _, health in await health_every(assistant, 0.1, until_s=40.0))
        Words.real_time_factor = 0.1
        await until(45.0)

    living.live(script)


def test_muted_it_is_not_overloaded_any_more_and_says_nothing_of_it(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(10.0)
        living.microphone.overflows = True
        await until(13.0)
        assert "overload" in assistant.health().unavailable
        assert assistant.controls is not None
        await assistant.controls.mute()
        assert "overload" not in assistant.health().unavailable
        await until(60.0)
        living.microphone.overflows = False
        await assistant.controls.unmute()
        await until(62.0)
        assert assistant.health().hears

    assert living.live(script) == []
    assert len(living.recoveries("overload")) == 1


@pytest.mark.parametrize(("speaks_s", "muted_s"), [((19.5, 6.0), 21.5), ((55.5, 6.0), 57.0), ((90.0, 1.0), 50.0)])
def test_muted_it_says_neither_that_it_cannot_keep_up_nor_that_it_can_again(
    living: Living, speaks_s: tuple[float, float], muted_s: float
) -> None:
    """Also if that only waits for somebody to finish."""
    living.says("")
    said_before: list[str] = []

    async def script(assistant: Assistant) -> None:
        living.room.say(*speaks_s)
        await until(10.0)
        living.microphone.overflows = True
        await until(min(muted_s, 23.0))
        living.microphone.overflows = False
        await until(muted_s)
        said_before.extend(living.said)
        assert assistant.controls is not None
        await assistant.controls.mute()
        await until(120.0)

    assert living.live(script) == said_before
    assert len(said_before) == (muted_s > 23.0)


def test_muted_while_the_recogniser_is_behind_it_is_not_overloaded_any_more(living: Living) -> None:
    """Then nobody takes what was heard, so that only the muting itself can tell."""
    living.says(*[TIME] * 10)

    async def script(assistant: Assistant) -> None:
        say_more_than_it_can_recognise(living, 50.0)
        await until(45.0)
        assert "overload" in assistant.health().unavailable
        assert assistant.controls is not None
        await assistant.controls.mute()
        assert "overload" not in assistant.health().unavailable
        Words.real_time_factor = 0.1
        await until(70.0)

    living.live(script)
