"""Timers ring at their time, and not again once somebody has reacted."""

from __future__ import annotations

import pytest

from tests.doubles.kitchen import Kitchen, in_kitchen


def test_a_timer_rings_once_at_its_time() -> None:
    async def story(kitchen: Kitchen) -> None:
        assert await kitchen.ask("timer_set", minutes="5") == "Okay, five minutes, starting now."
        await kitchen.clock.advance(299)
        assert kitchen.controls.announced == []
        await kitchen.clock.advance(1)
        await kitchen.clock.advance(1000)

    assert in_kitchen(story).announced == [("Your five minute timer is done.", "en")]


def test_several_timers_ring_in_their_own_order_and_language() -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.ask("timer_set", minutes="10", name="pasta")
        assert await kitchen.ask("timer_set", "zh", minutes="2") == "好的，两分钟，现在开始计时。"
        await kitchen.clock.advance(700)

    assert in_kitchen(story).announced == [("两分钟的计时器到时间了。", "zh"), ("Your pasta timer is done.", "en")]


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

    in_kitchen(story)


@pytest.mark.parametrize("slots", [{"name": "Pasta"}, {"minutes": "10"}])
def test_a_cancelled_timer_never_rings(slots: dict[str, str]) -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.ask("timer_set", minutes="10", name="pasta")
        await kitchen.ask("timer_set", minutes="2")
        await kitchen.clock.advance(1)
        assert await kitchen.ask("timer_cancel", **slots) == "Okay, I cancelled your pasta timer."
        await kitchen.clock.advance(700)

    assert in_kitchen(story).announced == [("Your two minute timer is done.", "en")]


def test_one_of_several_must_be_named_unless_all_are_meant() -> None:
    async def story(kitchen: Kitchen) -> None:
        assert await kitchen.ask("timer_cancel") == "There is no timer running."
        await kitchen.ask("timer_set", minutes="10")
        await kitchen.ask("timer_set", minutes="2")
        assert (await kitchen.ask("timer_cancel")).startswith("You have two timers.")
        assert await kitchen.ask("timer_cancel", name="egg") == "I don't have such a timer."
        assert await kitchen.ask("timer_cancel", "zh", all="true") == "好的，计时器都取消了。"
        await kitchen.clock.advance(700)

    assert in_kitchen(story).announced == []


def test_a_single_timer_needs_no_name_to_be_cancelled() -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.ask("timer_set", hours="1", half_hours="1")
        assert await kitchen.ask("timer_cancel") == "Okay, I cancelled your one hour and thirty minute timer."
        await kitchen.ask("timer_set", minutes="10")
        assert await kitchen.ask("timer_cancel", "zh") == "好的，十分钟的计时器已经取消了。"
        await kitchen.clock.advance(6000)

    assert in_kitchen(story).announced == []


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

    in_kitchen(story)


def test_whoever_sets_a_timer_after_a_ring_and_cancels_it_means_that_one() -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.ask("timer_set", minutes="5")
        await kitchen.clock.advance(302)
        await kitchen.ask("timer_set", minutes="10")
        await kitchen.clock.advance(3)
        assert await kitchen.ask("timer_cancel") == "Okay, I cancelled your ten minute timer."
        await kitchen.clock.advance(700)

    assert in_kitchen(story).announced == [("Your five minute timer is done.", "en")]


def test_whoever_cancels_all_timers_when_the_only_one_has_just_rung_is_understood() -> None:
    async def story(kitchen: Kitchen) -> None:
        await kitchen.ask("timer_set", minutes="5")
        await kitchen.clock.advance(302)
        assert await kitchen.ask("timer_cancel", all="true") == "Okay."
        assert await kitchen.ask("timer_cancel", all="true") == "There is no timer running."

    in_kitchen(story)


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

    in_kitchen(story)


def test_unusable_durations_are_refused_with_a_reason() -> None:
    async def story(kitchen: Kitchen) -> None:
        assert (await kitchen.ask("timer_set")).startswith("For how long?")
        assert await kitchen.ask("timer_set", hours="25") == "I can only count up to one day."
        for _ in range(20):
            await kitchen.ask("timer_set", minutes="1")
        assert "Cancel one first." in await kitchen.ask("timer_set", minutes="1")
        assert (await kitchen.ask("timer_list")).startswith("You have twenty timers.")

    in_kitchen(story)
