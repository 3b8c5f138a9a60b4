"""Where timers are set: the skill in a conversation, by a clock that the test moves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import anyio

from assistant.ports import Intent
from assistant.skills import SkillContext
from assistant.skills.timer import TimerSkill
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


def in_kitchen(story: Callable[[Kitchen], Awaitable[None]]) -> RecordedControls:
    """Live through the story; what was announced in it, and more."""
    controls = RecordedControls()

    async def run() -> None:
        async with anyio.create_task_group() as group:
            controls.group = group
            await story(Kitchen(controls))
            group.cancel_scope.cancel()

    anyio.run(run)
    return controls
