"""Announcements: what the assistant says unasked, such as that a timer is due."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from assistant.answering import Reply
from assistant.audio import earcons
from assistant.floor import PATIENCE_S, Floor, Turn
from assistant.ports import Clock

_ANNOUNCED_AT_MOST = 3


class Announcer:
    """Rings and says something outside a turn, when nobody else speaks."""

    def __init__(self, floor: Floor, clock: Clock, compose: Callable[[int, str, str], Reply]) -> None:
        """`compose` makes a reply of a turn number, a text and its language."""
        self._floor = floor
        self._clock = clock
        self._compose = compose

    async def announce(self, text: str, language: str) -> None:
        """Ring and say `text`, as soon as no turn is going on and nobody speaks; a television that never falls silent
        is not waited for. What was interrupted is said again, unless it led to a request."""
        for _ in range(_ANNOUNCED_AT_MOST):
            turn = await self._announce_once(text, language)
            await self._quiet()
            if not turn.scope.cancel_called or self._floor.last_turn_id > turn.turn_id:
                return

    async def _announce_once(self, text: str, language: str) -> Turn:
        await self._quiet()
        await self._floor.turn_ended()
        turn = self._floor.claim(insists=True)
        reply = self._compose(turn.turn_id, text, language)
        await self._floor.speak(turn, reply, earcons.ringing(self._clock.monotonic_s(), turn.turn_id))
        return turn

    async def _quiet(self) -> None:
        with anyio.move_on_after(PATIENCE_S):
            await self._floor.idle()
