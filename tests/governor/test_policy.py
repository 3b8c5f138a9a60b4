"""When the governor does less and more: values in, steps out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from assistant.config import GovernorConfig
from assistant.governor.policy import STEPS, Change, Policy
from assistant.governor.reading import Reading, Temperature

EVERY_S = 5.0


def hot(celsius: float) -> Reading:
    return Reading(temperatures=(Temperature("tj-thermal", celsius),))


def steps(policy: Policy, value: Callable[[float], Reading], until_s: float) -> list[tuple[float, int]]:
    """(time, step) of every change."""
    return [(at_s, change.step) for at_s, change in changes(policy, value, until_s)]


def changes(policy: Policy, value: Callable[[float], Reading], until_s: float) -> Iterator[tuple[float, Change]]:
    at_s = 0.0
    while at_s <= until_s:
        change = policy.decide(value(at_s), at_s)
        if change is not None:
            yield at_s, change
        at_s += EVERY_S


def test_nothing_happens_while_all_is_good_or_there_is_no_sensor() -> None:
    assert steps(Policy(GovernorConfig()), lambda at_s: hot(60), 3600) == []
    assert steps(Policy(GovernorConfig()), lambda at_s: Reading(), 3600) == []


def test_a_peak_is_waited_out() -> None:
    assert steps(Policy(GovernorConfig()), lambda at_s: hot(84 if at_s == 50 else 60), 600) == []


def test_each_step_may_show_its_effect_before_the_next() -> None:
    assert steps(Policy(GovernorConfig()), lambda at_s: hot(84), 600) == [(10, 1), (40, 2), (70, 3)]


def test_what_is_about_to_fail_is_not_waited_for() -> None:
    assert steps(Policy(GovernorConfig()), lambda at_s: hot(95), 600) == [(0, 1), (10, 2), (20, 3)]


def test_it_comes_back_step_by_step_after_a_while_of_good() -> None:
    policy = Policy(GovernorConfig(recover_s=60))
    assert steps(policy, lambda at_s: hot(84 if at_s < 100 else 60), 600) == [
        (10, 1),
        (40, 2),
        (70, 3),
        (160, 2),
        (220, 1),
        (280, 0),
    ]


def test_a_value_that_trembles_about_its_limit_moves_nothing() -> None:
    policy = Policy(GovernorConfig())
    trembling = steps(policy, lambda at_s: hot(80.4 if at_s < 30 else 79.6 if at_s % 10 else 78.0), 3600)
    assert trembling == [(10, 1)]


def test_whoever_relapses_waits_longer_each_time() -> None:
    policy = Policy(GovernorConfig(recover_s=60))

    def only_cool_while_saving(at_s: float) -> Reading:
        return hot(60 if policy.step else 84)

    found = steps(policy, only_cool_while_saving, 3600)
    saving = [later - sooner for (sooner, step), (later, _) in itertools.pairwise(found) if step == 1]
    # One reading later than the wait, for the first good one comes after the step.
    assert saving[:4] == [65, 125, 245, 485]
    assert max(saving) == 905


def test_where_the_kernel_throttles_early_it_is_warm_early() -> None:
    def passive_at_70(at_s: float) -> Reading:
        return Reading(temperatures=(Temperature("cpu", 66, throttles_at_c=70.0),))

    assert steps(Policy(GovernorConfig()), passive_at_70, 15) == [(10, 1)]


def test_memory_pressure_battery_and_throttling_count() -> None:
    for reading in (
        Reading(memory_available_bytes=300_000_000),
        Reading(memory_pressure=0.15),
        Reading(battery=0.12),
        Reading(throttled=True),
    ):
        assert steps(Policy(GovernorConfig()), lambda at_s, reading=reading: reading, 15) == [(10, 1)]


def test_only_new_overcurrent_events_count() -> None:
    assert steps(Policy(GovernorConfig()), lambda at_s: Reading(overcurrent_events=7), 600) == []
    risen = steps(Policy(GovernorConfig()), lambda at_s: Reading(overcurrent_events=7 + (at_s >= 50)), 600)
    assert risen[0] == (60, 1)
    assert risen[-1][1] == 0


def test_the_reason_is_the_worst_of_all() -> None:
    reading = Reading(memory_available_bytes=100_000_000, temperatures=(Temperature("cpu", 82.0),))
    [(_, change)] = changes(Policy(GovernorConfig()), lambda at_s: reading, 5)
    assert change.because is not None
    assert change.because.cause == "memory"
    assert "100 MB" in change.because.evidence
    assert change.step <= STEPS
