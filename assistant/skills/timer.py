"""Timers: several at once, named if one likes. Each rings until somebody reacts, whatever else is going on, and no more
after that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from assistant.dialogue.durations import seconds_from_slots, spoken_duration, spoken_remaining
from assistant.dialogue.numbers import spoken_count
from assistant.dialogue.replies import phrase
from assistant.ports import Clock, Intent
from assistant.skills import Question, Reply, SkillContext, timer_memory
from assistant.skills.timer_memory import KeptTimer
from assistant.stages import SPEAKER

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.models.store import ModelStore

_MAX_SECONDS = 24 * 3600
_MAX_TIMERS = 20
_AGAIN_S = 5.0
"""So long after a ring that nobody can have heard it rings again, after the next one twice as long, and not without a
speaker."""
_LONG_AGO_S = 600.0
"""What was due before that is not said to be due now."""
_LOOK_AT_CLOCK_S = 10.0
_WAS_SET_S = 1.0
"""A wall clock that is off by more since the last look was set."""
_STILL_MEANT_S = 10.0
"""Whoever cancels a timer so soon after a ring means the one that rang: it falls silent as they begin to speak."""
_HOW_LONG = Question({"en": "set a timer for {}", "zh": "设置一个{}的计时器"})


@dataclass(slots=True)
class _Timer:
    """One running timer."""

    number: int
    name: str
    duration_s: int
    deadline_s: float
    language: str
    ends_at: float | None = None
    """Of a timer of an earlier run, in seconds since the epoch, until the wall clock is set."""
    rung: bool = False
    """Whether it was heard to ring, be it in an earlier run; nobody has reacted yet."""
    cancel: Callable[[], None] = lambda: None

    def spoken(self, language: str) -> str:
        """What to call it: "pasta timer", "five minute timer"."""
        if self.name:
            return phrase("timer_named", language, name=self.name)
        return phrase("timer_unnamed", language, duration=spoken_duration(self.duration_s, language, as_adjective=True))


class TimerSkill:
    """Sets, lists and cancels timers. They run beside the conversation, so that no interruption stops them, and go on
    after a restart."""

    intents = frozenset({"timer_set", "timer_list", "timer_cancel"})
    answers_ahead = frozenset({"timer_list"})

    def __init__(self) -> None:
        self._timers: dict[int, _Timer] = {}
        self._next_number = 1
        self._rang: tuple[_Timer, float] | None = None
        """The timer whose ring was heard last and when it fell silent, unless that was acknowledged or another one was
        set since."""
        self._to_wall_s = 0.0
        """From the monotonic to the wall clock, as last seen to be set."""
        self._suspended_s = 0.0
        """What the machine had slept through at the last look at the clock."""

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> TimerSkill:
        """Needs nothing."""
        return cls()

    async def handle(self, intent: Intent, context: SkillContext) -> Reply:
        """Set, list or cancel."""
        self._follow_clock(context)
        if intent.name == "timer_set":
            asks = _HOW_LONG if seconds_from_slots(intent.slots) == 0 else None
            return Reply(self._set(intent, context), asks=asks)
        if intent.name == "timer_list":
            return Reply(self._list(intent.language, context))
        return Reply(self._cancel(intent, context))

    async def resume(self, context: SkillContext) -> None:
        """Go on with the timers that ran when the assistant ended. Those that should have rung meanwhile ring now."""
        if (state := context.state) is None:
            return
        now_s = context.clock.monotonic_s()
        self._look_at_clock(context)
        none: Sequence[KeptTimer] = ()
        for kept in context.controls.recall("timers", partial(timer_memory.recall, state), none):
            # A clock without a battery is behind, by hours or years, until the network sets it.
            left_s = min(kept.ends_at - self._to_wall_s - now_s, kept.duration_s)
            timer = _Timer(
                self._next_number, kept.name, kept.duration_s, now_s + left_s, kept.language, kept.ends_at, kept.rung
            )
            self._run(timer, context)

    def _set(self, intent: Intent, context: SkillContext) -> str:
        language, name = intent.language, intent.slots.get("name", "")
        duration_s = seconds_from_slots(intent.slots)
        if duration_s == 0:
            return phrase("timer_no_duration", language)
        if duration_s > _MAX_SECONDS:
            return phrase("timer_too_long", language)
        if len(self._timers) >= _MAX_TIMERS:
            return phrase("timer_too_many", language)
        deadline_s = context.clock.monotonic_s() + duration_s
        self._run(_Timer(self._next_number, name, duration_s, deadline_s, language), context)
        self._rang = None  # whoever cancels a timer now means the one just set
        self._keep(context)
        spoken = spoken_duration(duration_s, language)
        return phrase("timer_set_named" if name else "timer_set", language, duration=spoken, name=name)

    def _run(self, timer: _Timer, context: SkillContext) -> None:
        self._next_number += 1
        self._timers[timer.number] = timer
        missed = not timer.rung and timer.deadline_s <= context.clock.monotonic_s()

        async def ring_when_due() -> None:
            clock = context.clock
            while (now_s := clock.monotonic_s()) < timer.deadline_s:
                await clock.sleep_until(min(timer.deadline_s, now_s + _LOOK_AT_CLOCK_S))
                self._follow_clock(context)
            await self._ring(timer, context, missed=missed)

        timer.cancel = context.controls.start(f"timer {timer.number}", ring_when_due)

    def _follow_clock(self, context: SkillContext) -> None:
        if self._look_at_clock(context) and self._timers:
            self._keep(context)

    def _look_at_clock(self, context: SkillContext) -> bool:
        """Whether the wall clock was set since the last look; timers of an earlier run then end when it says. What the
        machine slept through is over, for each of them."""
        slept_s = context.clock.suspended_s() - self._suspended_s
        self._suspended_s += slept_s
        self._to_wall_s += slept_s
        for timer in self._timers.values():
            timer.deadline_s -= slept_s
        to_wall_s = _to_wall_s(context.clock)
        if abs(to_wall_s - self._to_wall_s) <= _WAS_SET_S:
            return False
        self._to_wall_s = to_wall_s
        for timer in self._timers.values():
            if timer.ends_at is not None:
                timer.deadline_s = min(timer.deadline_s, timer.ends_at - to_wall_s)
                timer.ends_at = None
        return True

    async def _ring(self, timer: _Timer, context: SkillContext, *, missed: bool) -> None:
        """Until it was heard, and nobody need be told any more; `missed` if it was due while no assistant ran."""
        clock, pause_s = context.clock, _AGAIN_S

        def rung() -> None:
            timer.rung = True
            self._keep(context)

        while timer.number in self._timers:  # until it is cancelled, too
            overdue = clock.monotonic_s() - timer.deadline_s > _LONG_AGO_S
            rings = "timer_rings_late" if missed else "timer_rings_overdue" if overdue else "timer_rings"
            text = phrase(rings, timer.language, timer=timer.spoken(timer.language))
            if await context.controls.ring(text, timer.language, rung):
                # Only now: whatever ends the assistant before, the next one rings.
                self._timers.pop(timer.number, None)
                self._rang = timer, clock.monotonic_s()
                self._keep(context)
                return
            await clock.sleep_until(clock.monotonic_s() + pause_s)
            pause_s *= 2
            while SPEAKER in context.senses.unavailable():
                await clock.sleep_until(clock.monotonic_s() + _AGAIN_S)

    def _keep(self, context: SkillContext) -> None:
        """Have them outlive the run. Where that fails, they still ring in this one."""
        if context.state is None:
            return
        self._look_at_clock(context)
        kept = [
            KeptTimer(
                name=timer.name,
                duration_s=timer.duration_s,
                ends_at=timer.deadline_s + self._to_wall_s if timer.ends_at is None else timer.ends_at,
                language=timer.language,
                rung=timer.rung,
            )
            for timer in self._timers.values()
        ]
        context.controls.keep("timers", kept, partial(timer_memory.remember, context.state))

    def _list(self, language: str, context: SkillContext) -> str:
        now_s = context.clock.monotonic_s()
        running = sorted(self._timers.values(), key=lambda timer: timer.deadline_s)
        if not running:
            return phrase("timer_none", language)
        sentences = [_state(timer, timer.deadline_s - now_s, language) for timer in running]
        if len(running) > 1:
            sentences.insert(0, phrase("timer_several", language, count=spoken_count(len(running), language)))
        return ("" if language == "zh" else " ").join(sentences)

    def _cancel(self, intent: Intent, context: SkillContext) -> str:
        language, cancels_all = intent.language, bool(intent.slots.get("all"))
        if not (cancels_all and self._timers) and self._acknowledges_ring(intent, context.clock.monotonic_s()):
            self._rang = None
            return phrase("timer_acknowledged", language)
        if not self._timers:
            return phrase("timer_none", language)
        if cancels_all:
            for timer in list(self._timers.values()):
                self._forget(timer)
            self._keep(context)
            return phrase("timer_cancelled_all", language)
        chosen = self._matching(intent, context.clock.monotonic_s())
        if not chosen:
            return phrase("timer_not_found", language)
        if len(chosen) > 1:
            return phrase("timer_which", language, count=spoken_count(len(chosen), language))
        self._forget(chosen[0])
        self._keep(context)
        return phrase("timer_cancelled", language, timer=chosen[0].spoken(language))

    def _acknowledges_ring(self, intent: Intent, now_s: float) -> bool:
        """Whether a request to cancel a timer means the one that has just rung, which is over already."""
        if self._rang is None:
            return False
        timer, silent_since_s = self._rang
        return now_s - silent_since_s <= _STILL_MEANT_S and _can_mean(intent, timer)

    def _matching(self, intent: Intent, now_s: float) -> list[_Timer]:
        """The timers that a request for one can mean: one that is due rather than one that is not."""
        matching = [timer for timer in self._timers.values() if _can_mean(intent, timer)]
        return [timer for timer in matching if timer.deadline_s <= now_s] or matching

    def _forget(self, timer: _Timer) -> None:
        del self._timers[timer.number]
        timer.cancel()


def _can_mean(intent: Intent, timer: _Timer) -> bool:
    """Whether `timer` has the name and the duration that were said, if any were."""
    name, duration_s = intent.slots.get("name"), seconds_from_slots(intent.slots)
    return (name is None or timer.name.casefold() == name.casefold()) and duration_s in (0, timer.duration_s)


def _to_wall_s(clock: Clock) -> float:
    return clock.wall().timestamp() - clock.monotonic_s()


def _state(timer: _Timer, left_s: float, language: str) -> str:
    """How long it has left; one that is due waits to be heard."""
    name = timer.spoken(language)
    if left_s <= 0:
        return phrase("timer_rings", language, timer=name)
    return phrase("timer_left", language, timer=name, left=spoken_remaining(left_s, language))
