"""Announcements: what the assistant says unasked, such as that a timer is due."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from assistant.audio import earcons
from assistant.conversation.answering import Reply
from assistant.conversation.floor import PATIENCE_S, Floor
from assistant.ports import Clock


class Announcer:
    """Rings and says something outside a turn, when nobody else speaks."""

    def __init__(self, floor: Floor, clock: Clock, compose: Callable[[int, str, str], Reply]) -> None:
        """`compose` makes a reply of a turn number, a text and its language."""
        self._floor = floor
        self._clock = clock
        self._compose = compose

    async def announce(self, text: str, language: str, still: Callable[[], bool] = lambda: True) -> bool:
        """Ring and say `text`, as soon as no turn is going on and nobody speaks; a television that never falls silent
        is not waited for. Noise holds it up; who interrupts it was meant for the assistant, and has heard it. The
        result is false when nobody can have: the speaker or the voice failed, or when its turn came, it was not `still`
        to be said."""
        with anyio.move_on_after(PATIENCE_S):
            await self._floor.idle()
        await self._floor.turn_ended()
        if not still():
            return False
        turn = self._floor.claim(insists=True)
        reply = self._compose(turn.turn_id, text, language)
        return await self._floor.speak(turn, reply, earcons.ringing(self._clock.monotonic_s(), turn.turn_id))
