"""What every clock must keep to, the one that the tests move by hand included."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from functools import partial

import anyio
import pytest

from assistant.clock import LoopClock
from assistant.ports import Clock
from assistant.replay import ReplayClock
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.clock import ManualClock

STARTS_AT = datetime(2026, 3, 3, 17, 10, tzinfo=timezone.utc)
CLOCKS: list[Callable[[], Clock]] = [LoopClock, partial(ReplayClock, STARTS_AT), ManualClock]
Script = Callable[[Clock], Awaitable[None]]


@pytest.fixture(params=CLOCKS, ids=["LoopClock", "ReplayClock", "ManualClock"])
def during(request: pytest.FixtureRequest) -> Callable[[Script], None]:
    """Runs a script with a clock that goes on for as long as somebody sleeps."""

    async def main(script: Script) -> None:
        clock: Clock = request.param()
        async with anyio.create_task_group() as group:
            if isinstance(clock, ManualClock):
                group.start_soon(_move, clock)
            await script(clock)
            group.cancel_scope.cancel()

    return lambda script: run_in_virtual_time(partial(main, script))


async def _move(clock: ManualClock) -> None:
    while True:
        await clock.advance(0.25)


def test_time_never_goes_back_and_sleepers_wake_in_order(during: Callable[[Script], None]) -> None:
    async def script(clock: Clock) -> None:
        started_s = clock.monotonic_s()
        woken: list[tuple[float, float]] = []

        async def sleep(seconds: float) -> None:
            await clock.sleep_until(started_s + seconds)
            woken.append((seconds, clock.monotonic_s() - started_s))

        async with anyio.create_task_group() as group:
            for seconds in (3.0, 1.0, 2.0):
                group.start_soon(sleep, seconds)
        assert [wanted for wanted, _ in woken] == [1.0, 2.0, 3.0]
        assert all(wanted <= got < wanted + 0.5 for wanted, got in woken)
        assert all(earlier <= later for (_, earlier), (_, later) in itertools.pairwise(woken))

    during(script)


def test_a_moment_that_has_passed_is_not_waited_for(during: Callable[[Script], None]) -> None:
    async def script(clock: Clock) -> None:
        await clock.sleep_until(clock.monotonic_s() + 1.0)
        now_s = clock.monotonic_s()
        await clock.sleep_until(now_s - 1.0)
        assert clock.monotonic_s() - now_s < 0.5

    during(script)


def test_a_sleeper_can_be_cancelled(during: Callable[[Script], None]) -> None:
    async def script(clock: Clock) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(clock.sleep_until, clock.monotonic_s() + 1e9)
            await clock.sleep_until(clock.monotonic_s() + 1.0)
            group.cancel_scope.cancel()

    during(script)


def test_the_wall_clock_knows_its_zone(during: Callable[[Script], None]) -> None:
    async def script(clock: Clock) -> None:
        before = clock.wall()
        assert before.utcoffset() is not None
        await clock.sleep_until(clock.monotonic_s() + 1.0)
        assert clock.wall() >= before

    during(script)


def test_a_time_zone_that_was_changed_needs_no_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = LoopClock()
    with monkeypatch.context() as environment:
        for zone, hours in (("UTC0", 0), ("EAST-8", 8)):
            environment.setenv("TZ", zone)
            assert clock.wall().utcoffset() == timedelta(hours=hours)
    time.tzset()


def test_a_clock_counts_only_what_the_machine_sleeps_through(during: Callable[[Script], None]) -> None:
    async def script(clock: Clock) -> None:
        slept_s = clock.suspended_s()
        assert slept_s >= 0.0
        await clock.sleep_until(clock.monotonic_s() + 60.0)
        assert clock.suspended_s() == pytest.approx(slept_s, abs=1.0)

    during(script)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_clock_of_a_machine_that_was_suspended_knows_for_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, real = LoopClock(), time.clock_gettime
    slept_s = clock.suspended_s()
    monkeypatch.setattr(time, "clock_gettime", lambda which: real(which) + 3600.0 * (which == time.CLOCK_BOOTTIME))
    assert clock.suspended_s() - slept_s == pytest.approx(3600.0, abs=1.0)


@pytest.mark.parametrize("make", CLOCKS[1:], ids=["ReplayClock", "ManualClock"])
def test_a_given_wall_clock_follows_the_time_of_the_run(make: Callable[[], Clock]) -> None:
    async def main() -> None:
        clock = make()
        assert clock.wall() == STARTS_AT
        if isinstance(clock, ManualClock):
            await clock.advance(90.0)
        else:
            await clock.sleep_until(90.0)
        assert clock.wall() == STARTS_AT + timedelta(seconds=90)

    run_in_virtual_time(main)
