"""A restart does not stop a timer."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import ClassVar

import pytest

from assistant.app import Assistant
from assistant.config import Config
from assistant.errors import ConfigError
from assistant.events import PlaybackFinished, PlaybackStarted
from assistant.models.store import ModelStore
from assistant.skills import SKILLS, SkillContext
from assistant.skills.timer_memory import recall
from tests.doubles.conversation import SteppedClock
from tests.doubles.house import until_it_is
from tests.doubles.living import Living, until


async def react(assistant: Assistant, living: Living) -> None:
    """Press the talk button as soon as a timer has rung, so that it does not ring again."""
    await until_it_is(lambda: living.said != [] and "done" in living.said[-1])
    assert assistant.controls is not None
    await assistant.controls.listen_now()


def test_a_timer_that_was_set_before_a_restart_rings_after_it(
    living: Living, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    living.state = tmp_path
    living.says("Hey Jarvis, set a timer for one minute.")

    async def set_timer(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(10.0)

    assert living.live(set_timer) == ["Okay, one minute, starting now."]

    (tmp_path / "again").mkdir()
    again = Living(tmp_path / "again", monkeypatch)
    again.state = tmp_path

    async def wait(assistant: Assistant) -> None:
        await until(30.0)
        await react(assistant, again)
        await until(75.0)

    assert again.live(wait) == ["Your one minute timer is done."]
    assert not (tmp_path / "timers.json").exists()


def test_a_timer_that_is_due_over_a_reply_in_which_the_assistant_ends_rings_after_it(
    living: Living, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    living.state = tmp_path
    living.says("Hey Jarvis, set a timer for ten seconds.", "Hey Jarvis, what can you do?")

    async def end_over_a_reply(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(10.0)
        living.room.say(11.0)
        await until(15.5)
        assert living.log.of(PlaybackStarted)[-1].at_s < 15.0 and len(living.said) == 1

    living.live(end_over_a_reply)

    (tmp_path / "again").mkdir()
    again = Living(tmp_path / "again", monkeypatch)
    again.state = tmp_path

    async def wait(assistant: Assistant) -> None:
        await react(assistant, again)
        await until(15.0)

    assert again.live(wait) == ["Your ten second timer was done while I was away."]
    assert not (tmp_path / "timers.json").exists()


def test_a_timer_that_is_due_while_the_speaker_is_gone_rings_when_it_is_back(living: Living, tmp_path: Path) -> None:
    living.state = tmp_path
    living.says("Hey Jarvis, set a timer for ten seconds.")

    async def pull(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(10.0)
        living.sound.pull(living.speaker)
        await until(40.0)
        assert (tmp_path / "timers.json").exists()
        living.sound.plug(living.speaker)
        await react(assistant, living)
        await until(60.0)

    assert living.live(pull)[-1] == "Your ten second timer is done."
    assert living.speaker.heard_between(40.0, 60.0)
    assert len(living.log.of(PlaybackFinished)) == 3, "it is not tried without a speaker"
    assert not (tmp_path / "timers.json").exists()


def test_kept_timers_that_cannot_be_read_are_told_until_new_ones_take_their_place(
    living: Living, tmp_path: Path
) -> None:
    living.state = tmp_path
    (tmp_path / "timers.json").write_text("not a list of timers", encoding="utf-8")
    living.says("Hey Jarvis, set a timer for one minute.")

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        assert "timers.json cannot be read" in assistant.health().unavailable["kept timers"]
        assert assistant.controls is not None
        await assistant.controls.mute()
        await assistant.controls.unmute()
        assert "kept timers" in assistant.health().unavailable, "that it can keep something else mends no timers"
        await until(5.0)
        living.room.say(5.0)
        await until(10.0)
        assert "kept timers" not in assistant.health().unavailable

    assert living.live(script) == ["Okay, one minute, starting now."]
    assert len(living.failures("kept timers")) == len(living.recoveries("kept timers")) == 1


class Lists:
    """A skill that cannot take up what it kept."""

    intents: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Lists:
        return cls()

    async def resume(self, context: SkillContext) -> None:
        raise ConfigError("The lists cannot be read.")


def test_what_a_skill_cannot_take_up_again_is_shown_and_nothing_is_said_of_saving(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SKILLS, "lists", f"{__name__}:Lists")

    async def script(assistant: Assistant) -> None:
        await until(10.0)
        assert assistant.health().unavailable["kept lists"] == "The lists cannot be read."

    assert living.live(script) == []


def test_a_timer_that_cannot_be_kept_is_told_and_kept_as_soon_as_there_is_room(
    living: Living, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    living.state, living.clock = tmp_path, SteppedClock()  # one that is set has timers kept anew
    living.says("Hey Jarvis, set a timer for one minute.")
    kept = tmp_path / "timers.json"

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def script(assistant: Assistant) -> None:
        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", full)
            living.room.say(2.0)
            await until(30.0)
            assert "No space left" in assistant.health().unavailable["state"]
            assert not kept.exists()
        await until(35.0)
        assert [timer.duration_s for timer in recall(tmp_path)] == [60], "and nobody has spoken"
        assert "state" not in assistant.health().unavailable
        await react(assistant, living)
        await until(75.0)
        assert not kept.exists()

    assert living.live(script) == [
        "Okay, one minute, starting now.",
        "I can't save anything right now, so a restart may lose what you have set.",
        "I can save again.",
        "Your one minute timer is done.",
    ]
    assert len(living.failures("state")) == len(living.recoveries("state")) == 1
