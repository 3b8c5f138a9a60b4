"""Timers ring whatever happens in between: a restart, a speaker that is lost, a clock that is set, a suspension."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from assistant.errors import StageError
from assistant.skills.timer_memory import recall
from tests.doubles.kitchen import Kitchen, in_kitchen


def test_a_timer_goes_on_after_a_restart_and_rings_once(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        kitchen.controls.group = None  # a process that ends before anything rings
        await kitchen.restart(tmp_path)
        await kitchen.ask("timer_set", minutes="5", name="pasta")
        await kitchen.ask("timer_set", "zh", minutes="20")
        await kitchen.clock.advance(60)
        async with anyio.create_task_group() as group:
            kitchen.controls.group = group
            await kitchen.restart(tmp_path, after_s=30)
            await kitchen.clock.advance(209)
            assert kitchen.controls.announced == []
            await kitchen.clock.advance(1)
            assert kitchen.controls.announced == [("Your pasta timer is done.", "en")]
            group.cancel_scope.cancel()
        async with anyio.create_task_group() as group:
            kitchen.controls.group = group
            await kitchen.restart(tmp_path)
            await kitchen.clock.advance(3600)
            group.cancel_scope.cancel()

    assert in_kitchen(story).announced == [("Your pasta timer is done.", "en"), ("二十分钟的计时器到时间了。", "zh")]
    assert list(tmp_path.iterdir()) == []


def test_a_timer_that_should_have_rung_meanwhile_rings_at_the_start(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        group, kitchen.controls.group = kitchen.controls.group, None
        await kitchen.restart(tmp_path)
        await kitchen.ask("timer_set", minutes="5")
        kitchen.controls.group = group
        await kitchen.restart(tmp_path, after_s=900)
        await kitchen.clock.advance(1)

    assert in_kitchen(story).announced == [("Your five minute timer was done while I was away.", "en")]


def test_a_cancelled_timer_does_not_come_back(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.restart(tmp_path)
        await kitchen.ask("timer_set", minutes="5")
        await kitchen.ask("timer_cancel")
        await kitchen.restart(tmp_path)
        assert await kitchen.ask("timer_list") == "There is no timer running."

    in_kitchen(story)


def test_kept_timers_that_cannot_be_read_are_told_and_new_ones_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "timers.json").write_text('{"timers": [{"name": 3}]}', encoding="utf-8")

    async def story(kitchen: Kitchen) -> None:
        with pytest.raises(StageError, match=r"timers\.json cannot be read"):
            await kitchen.restart(tmp_path)
        assert await kitchen.ask("timer_set", minutes="5") == "Okay, five minutes, starting now."
        await kitchen.restart(tmp_path)
        assert "five minute timer" in await kitchen.ask("timer_list")

    in_kitchen(story)


def test_a_timer_that_nobody_can_have_heard_rings_again_once_there_is_a_speaker() -> None:
    async def story(kitchen: Kitchen) -> None:
        rung = kitchen.controls.announced
        kitchen.controls.deaf = True
        await kitchen.ask("timer_set", minutes="5", name="pasta")
        await kitchen.clock.advance(301)
        assert len(rung) == 1
        assert await kitchen.ask("timer_list") == "Your pasta timer is done."
        kitchen.senses.broken["speaker"] = "It is gone."
        await kitchen.clock.advance(60)
        assert len(rung) == 1, "without a speaker it is not even tried"
        kitchen.senses.broken.clear()
        kitchen.controls.deaf = False
        await kitchen.clock.advance(60)
        assert await kitchen.ask("timer_list") == "There is no timer running."

    assert in_kitchen(story).announced == 2 * [("Your pasta timer is done.", "en")]


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "Your five minute timer was done a while ago."), ("zh", "五分钟的计时器早就到时间了。")],
)
def test_a_timer_that_could_not_be_rung_for_long_is_told_as_late_once(language: str, told: str) -> None:
    async def story(kitchen: Kitchen) -> None:
        kitchen.controls.deaf = True
        kitchen.senses.broken["speaker"] = "It is gone."
        await kitchen.ask("timer_set", language, minutes="5")
        await kitchen.clock.advance(301)
        await kitchen.clock.advance(1000)
        kitchen.controls.deaf = False
        kitchen.senses.broken.clear()
        await kitchen.clock.advance(100)

    announced = in_kitchen(story).announced
    assert announced[1:] == [(told, language)]


def test_a_timer_that_is_due_can_be_cancelled_before_it_was_heard() -> None:
    async def story(kitchen: Kitchen) -> None:
        kitchen.controls.deaf = True
        await kitchen.ask("timer_set", minutes="5", name="pasta")
        await kitchen.clock.advance(301)
        assert await kitchen.ask("timer_cancel") == "Okay, I cancelled your pasta timer."
        kitchen.controls.deaf = False
        await kitchen.clock.advance(60)

    assert len(in_kitchen(story).announced) == 1


def test_a_timer_that_the_end_kept_from_being_heard_rings_in_the_next_run(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.restart(tmp_path)
        kitchen.controls.deaf = True  # until the end: a reply goes on, the speaker is gone
        async with anyio.create_task_group() as group:
            kitchen.controls.group = group
            await kitchen.ask("timer_set", minutes="5")
            await kitchen.clock.advance(301)
            group.cancel_scope.cancel()
        kitchen.controls.deaf = False
        kitchen.controls.announced.clear()
        async with anyio.create_task_group() as group:
            kitchen.controls.group = group
            await kitchen.restart(tmp_path, after_s=5)
            await kitchen.clock.advance(1)
            group.cancel_scope.cancel()

    assert in_kitchen(story).announced == [("Your five minute timer was done while I was away.", "en")]
    assert list(tmp_path.iterdir()) == []


def test_a_timer_that_had_rung_when_the_assistant_ended_was_not_missed(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.restart(tmp_path)
        kitchen.controls.nobody_reacts = True
        async with anyio.create_task_group() as group:
            kitchen.controls.group = group
            await kitchen.ask("timer_set", minutes="5")
            await kitchen.clock.advance(301)
            group.cancel_scope.cancel()
        kitchen.controls.nobody_reacts = False
        async with anyio.create_task_group() as group:
            kitchen.controls.group = group
            await kitchen.restart(tmp_path, after_s=5)
            await kitchen.clock.advance(1)
            group.cancel_scope.cancel()

    assert in_kitchen(story).announced == 2 * [("Your five minute timer is done.", "en")]
    assert list(tmp_path.iterdir()) == []


def test_a_wall_clock_that_was_set_rings_nothing_early_after_a_restart(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        group, kitchen.controls.group = kitchen.controls.group, None
        await kitchen.restart(tmp_path)
        kitchen.controls.group = group
        await kitchen.ask("timer_set", hours="2", name="roast")
        await kitchen.clock.advance(60)
        kitchen.clock.set(3600)
        await kitchen.clock.advance(60)
        kitchen.controls.group = None
        await kitchen.restart(tmp_path)
        assert await kitchen.ask("timer_list") == "Your roast timer has one hour and fifty-eight minutes left."

    assert in_kitchen(story).announced == []


async def _boots_without_the_time(kitchen: Kitchen, folder: Path) -> None:
    """Half of a timer of twenty minutes is over, and the wall clock is years behind."""
    group, kitchen.controls.group = kitchen.controls.group, None
    await kitchen.restart(folder)
    await kitchen.ask("timer_set", minutes="20")
    kitchen.controls.group = group
    await kitchen.restart(folder, after_s=600 - 1e9)


def test_a_machine_that_boots_without_the_time_rings_when_it_knows_it(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        await _boots_without_the_time(kitchen, tmp_path)
        assert "has twenty minutes left" in await kitchen.ask("timer_list")
        await kitchen.ask("timer_set", hours="1", name="roast")
        await kitchen.clock.advance(60)
        kitchen.clock.set(1e9)
        await kitchen.ask("timer_set", hours="2", name="bread")
        await kitchen.clock.advance(10)
        assert "Your twenty minute timer has eight minutes and fifty seconds left." in await kitchen.ask("timer_list")
        await kitchen.clock.advance(529)
        assert kitchen.controls.announced == []
        await kitchen.clock.advance(2)

    assert in_kitchen(story).announced == [("Your twenty minute timer is done.", "en")]


def test_a_machine_that_never_knows_the_time_rings_after_the_whole_length(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        group, kitchen.controls.group = kitchen.controls.group, None
        await kitchen.restart(tmp_path)
        await kitchen.ask("timer_set", "zh", minutes="20")
        kitchen.controls.group = group
        await kitchen.restart(tmp_path, after_s=600 - 1e9)
        await kitchen.clock.advance(1199)
        assert kitchen.controls.announced == []
        await kitchen.clock.advance(2)

    assert in_kitchen(story).announced == [("二十分钟的计时器到时间了。", "zh")]


def test_a_timer_goes_on_while_the_machine_is_suspended() -> None:
    async def story(kitchen: Kitchen) -> None:
        kitchen.clock.suspend(7200)  # before it was set: nothing to it
        await kitchen.ask("timer_set", minutes="30")
        await kitchen.ask("timer_set", hours="2", name="bread")
        await kitchen.clock.advance(60)
        kitchen.clock.suspend(600)
        assert "Your thirty minute timer has nineteen minutes left." in await kitchen.ask("timer_list")
        kitchen.clock.suspend(18 * 60)
        await kitchen.clock.advance(59)
        assert kitchen.controls.announced == []
        await kitchen.clock.advance(1)
        assert kitchen.controls.announced == [("Your thirty minute timer is done.", "en")]
        kitchen.clock.suspend(2 * 3600)
        await kitchen.clock.advance(10)

    assert in_kitchen(story).announced[1:] == [("Your bread timer was done a while ago.", "en")]


def test_after_a_suspension_a_timer_is_kept_with_the_end_that_it_had(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        group, kitchen.controls.group = kitchen.controls.group, None
        await kitchen.restart(tmp_path)
        kitchen.controls.group = group
        await kitchen.ask("timer_set", hours="3", name="bread")
        (kept,) = recall(tmp_path)
        kitchen.clock.suspend(3600)
        await kitchen.clock.advance(60)
        kitchen.clock.set(-600)  # by a time server, once there is a network again
        await kitchen.clock.advance(60)
        (again,) = recall(tmp_path)
        assert again.ends_at == pytest.approx(kept.ends_at - 600)
        assert await kitchen.ask("timer_list") == "Your bread timer has one hour and fifty-eight minutes left."

    in_kitchen(story)


def test_a_suspension_is_not_taken_for_a_clock_that_knows_the_time_at_last(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        await _boots_without_the_time(kitchen, tmp_path)
        kitchen.clock.suspend(60)
        await kitchen.clock.advance(60)
        kitchen.clock.set(1e9)
        await kitchen.clock.advance(10)
        assert await kitchen.ask("timer_list") == "Your twenty minute timer has seven minutes and fifty seconds left."

    in_kitchen(story)
