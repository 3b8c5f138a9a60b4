"""Timers ring at their time, and not again once somebody has reacted, whatever happens in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from assistant.errors import StageError
from assistant.ports import Intent
from assistant.skills import SkillContext
from assistant.skills.timer import TimerSkill
from assistant.skills.timer_memory import recall
from tests.doubles.clock import ManualClock
from tests.doubles.context import GivenSenses, RecordedControls, skill_context


class Kitchen:
    """A timer skill in a conversation."""

    def __init__(self, controls: RecordedControls) -> None:
        self.clock = ManualClock()
        self.controls = controls
        self.senses = GivenSenses()
        self.context: SkillContext = skill_context(self.senses, controls, self.clock)
        self._skill = TimerSkill()

    async def restart(self, state: Path, *, after_s: float = 0.0) -> None:
        """As a restarted process: a new clock, nothing but the state folder is left."""
        self.clock = ManualClock(self.clock.wall() + timedelta(seconds=after_s))
        self.context = skill_context(self.senses, self.controls, self.clock, state=state)
        self._skill = TimerSkill()
        await self._skill.resume(self.context)

    async def ask(self, intent: str, language: str = "en", **slots: str) -> str:
        return (await self._skill.handle(Intent(intent, slots, language, ""), self.context)).text


def _in_kitchen(story: Callable[[Kitchen], Awaitable[None]]) -> RecordedControls:
    controls = RecordedControls()

    async def run() -> None:
        async with anyio.create_task_group() as group:
            controls.group = group
            await story(Kitchen(controls))
            group.cancel_scope.cancel()

    anyio.run(run)
    return controls


def test_a_timer_rings_once_at_its_time() -> None:
    async def story(kitchen: Kitchen) -> None:
        assert await kitchen.ask("timer_set", minutes="5") == "Okay, five minutes, starting now."
        await kitchen.clock.advance(299)
        assert kitchen.controls.announced == []
        await kitchen.clock.advance(1)
        await kitchen.clock.advance(1000)

    assert _in_kitchen(story).announced == [("Your five minute timer is done.", "en")]


def test_several_timers_ring_in_their_own_order_and_language() -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.ask("timer_set", minutes="10", name="pasta")
        assert await kitchen.ask("timer_set", "zh", minutes="2") == "好的，两分钟，现在开始计时。"
        await kitchen.clock.advance(700)

    assert _in_kitchen(story).announced == [("两分钟的计时器到时间了。", "zh"), ("Your pasta timer is done.", "en")]


def test_the_list_says_what_is_left() -> None:
    async def story(kitchen: Kitchen) -> None:
        assert await kitchen.ask("timer_list") == "There is no timer running."
        await kitchen.ask("timer_set", minutes="5")
        await kitchen.clock.advance(110)
        assert await kitchen.ask("timer_list") == "Your five minute timer has three minutes and ten seconds left."
        await kitchen.ask("timer_set", seconds="30", name="tea")
        assert (await kitchen.ask("timer_list")).startswith("You have two timers. Your tea timer has thirty seconds")
        assert (
            await kitchen.ask("timer_list", "zh")
            == "你有两个计时器。tea计时器还剩三十秒。五分钟的计时器还剩三分钟十秒。"
        )

    _in_kitchen(story)


@pytest.mark.parametrize("slots", [{"name": "Pasta"}, {"minutes": "10"}])
def test_a_cancelled_timer_never_rings(slots: dict[str, str]) -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.ask("timer_set", minutes="10", name="pasta")
        await kitchen.ask("timer_set", minutes="2")
        await kitchen.clock.advance(1)
        assert await kitchen.ask("timer_cancel", **slots) == "Okay, I cancelled your pasta timer."
        await kitchen.clock.advance(700)

    assert _in_kitchen(story).announced == [("Your two minute timer is done.", "en")]


def test_one_of_several_must_be_named_unless_all_are_meant() -> None:
    async def story(kitchen: Kitchen) -> None:
        assert await kitchen.ask("timer_cancel") == "There is no timer running."
        await kitchen.ask("timer_set", minutes="10")
        await kitchen.ask("timer_set", minutes="2")
        assert (await kitchen.ask("timer_cancel")).startswith("You have two timers.")
        assert await kitchen.ask("timer_cancel", name="egg") == "I don't have such a timer."
        assert await kitchen.ask("timer_cancel", "zh", all="true") == "好的，计时器都取消了。"
        await kitchen.clock.advance(700)

    assert _in_kitchen(story).announced == []


def test_a_single_timer_needs_no_name_to_be_cancelled() -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.ask("timer_set", hours="1", half_hours="1")
        assert await kitchen.ask("timer_cancel") == "Okay, I cancelled your one hour and thirty minute timer."
        await kitchen.ask("timer_set", minutes="10")
        assert await kitchen.ask("timer_cancel", "zh") == "好的，十分钟的计时器已经取消了。"
        await kitchen.clock.advance(6000)

    assert _in_kitchen(story).announced == []


def test_whoever_cancels_a_timer_that_has_just_rung_cancels_no_other() -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.ask("timer_set", hours="1")
        await kitchen.ask("timer_set", minutes="5", name="tea")
        await kitchen.clock.advance(305)
        assert kitchen.controls.announced == [("Your tea timer is done.", "en")]
        assert await kitchen.ask("timer_cancel", name="pasta") == "I don't have such a timer."
        assert await kitchen.ask("timer_cancel", name="Tea") == "Okay."
        assert await kitchen.ask("timer_list") == "Your one hour timer has fifty-five minutes left."
        # Acknowledged once, it is not what the next request is about.
        assert await kitchen.ask("timer_cancel") == "Okay, I cancelled your one hour timer."

    _in_kitchen(story)


def test_whoever_sets_a_timer_after_a_ring_and_cancels_it_means_that_one() -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.ask("timer_set", minutes="5")
        await kitchen.clock.advance(302)
        await kitchen.ask("timer_set", minutes="10")
        await kitchen.clock.advance(3)
        assert await kitchen.ask("timer_cancel") == "Okay, I cancelled your ten minute timer."
        await kitchen.clock.advance(700)

    assert _in_kitchen(story).announced == [("Your five minute timer is done.", "en")]


def test_whoever_cancels_all_timers_when_the_only_one_has_just_rung_is_understood() -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.ask("timer_set", minutes="5")
        await kitchen.clock.advance(302)
        assert await kitchen.ask("timer_cancel", all="true") == "Okay."
        assert await kitchen.ask("timer_cancel", all="true") == "There is no timer running."

    _in_kitchen(story)


@pytest.mark.parametrize(
    ("after_s", "slots"), [(15, {}), (0, {"hours": "1"}), (0, {"all": "true"})], ids=["later", "by duration", "all"]
)
def test_after_a_ring_another_timer_can_be_cancelled(after_s: float, slots: dict[str, str]) -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.ask("timer_set", hours="1")
        await kitchen.ask("timer_set", seconds="10")
        await kitchen.clock.advance(10)
        await kitchen.clock.advance(after_s)
        assert "cancelled" in await kitchen.ask("timer_cancel", **slots)
        assert await kitchen.ask("timer_list") == "There is no timer running."

    _in_kitchen(story)


def test_unusable_durations_are_refused_with_a_reason() -> None:
    async def story(kitchen: Kitchen) -> None:
        assert (await kitchen.ask("timer_set")).startswith("For how long?")
        assert await kitchen.ask("timer_set", hours="25") == "I can only count up to one day."
        for _ in range(20):
            await kitchen.ask("timer_set", minutes="1")
        assert "Cancel one first." in await kitchen.ask("timer_set", minutes="1")
        assert (await kitchen.ask("timer_list")).startswith("You have twenty timers.")

    _in_kitchen(story)


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

    assert _in_kitchen(story).announced == [("Your pasta timer is done.", "en"), ("二十分钟的计时器到时间了。", "zh")]
    assert list(tmp_path.iterdir()) == []


def test_a_timer_that_should_have_rung_meanwhile_rings_at_the_start(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        group, kitchen.controls.group = kitchen.controls.group, None
        await kitchen.restart(tmp_path)
        await kitchen.ask("timer_set", minutes="5")
        kitchen.controls.group = group
        await kitchen.restart(tmp_path, after_s=900)
        await kitchen.clock.advance(1)

    assert _in_kitchen(story).announced == [("Your five minute timer was done while I was away.", "en")]


def test_a_cancelled_timer_does_not_come_back(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.restart(tmp_path)
        await kitchen.ask("timer_set", minutes="5")
        await kitchen.ask("timer_cancel")
        await kitchen.restart(tmp_path)
        assert await kitchen.ask("timer_list") == "There is no timer running."

    _in_kitchen(story)


def test_kept_timers_that_cannot_be_read_are_told_and_new_ones_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "timers.json").write_text('{"timers": [{"name": 3}]}', encoding="utf-8")

    async def story(kitchen: Kitchen) -> None:
        with pytest.raises(StageError, match=r"timers\.json cannot be read"):
            await kitchen.restart(tmp_path)
        assert await kitchen.ask("timer_set", minutes="5") == "Okay, five minutes, starting now."
        await kitchen.restart(tmp_path)
        assert "five minute timer" in await kitchen.ask("timer_list")

    _in_kitchen(story)


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

    assert _in_kitchen(story).announced == 2 * [("Your pasta timer is done.", "en")]


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

    announced = _in_kitchen(story).announced
    assert announced[1:] == [(told, language)]


def test_a_timer_that_is_due_can_be_cancelled_before_it_was_heard() -> None:
    async def story(kitchen: Kitchen) -> None:
        kitchen.controls.deaf = True
        await kitchen.ask("timer_set", minutes="5", name="pasta")
        await kitchen.clock.advance(301)
        assert await kitchen.ask("timer_cancel") == "Okay, I cancelled your pasta timer."
        kitchen.controls.deaf = False
        await kitchen.clock.advance(60)

    assert len(_in_kitchen(story).announced) == 1


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

    assert _in_kitchen(story).announced == [("Your five minute timer was done while I was away.", "en")]
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

    assert _in_kitchen(story).announced == 2 * [("Your five minute timer is done.", "en")]
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

    assert _in_kitchen(story).announced == []


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

    assert _in_kitchen(story).announced == [("Your twenty minute timer is done.", "en")]


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

    assert _in_kitchen(story).announced == [("二十分钟的计时器到时间了。", "zh")]


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

    assert _in_kitchen(story).announced[1:] == [("Your bread timer was done a while ago.", "en")]


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

    _in_kitchen(story)


def test_a_suspension_is_not_taken_for_a_clock_that_knows_the_time_at_last(tmp_path: Path) -> None:
    async def story(kitchen: Kitchen) -> None:
        await _boots_without_the_time(kitchen, tmp_path)
        kitchen.clock.suspend(60)
        await kitchen.clock.advance(60)
        kitchen.clock.set(1e9)
        await kitchen.clock.advance(10)
        assert await kitchen.ask("timer_list") == "Your twenty minute timer has seven minutes and fifty seconds left."

    _in_kitchen(story)
