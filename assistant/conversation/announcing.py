"""Announcements: what the assistant says unasked, such as that a timer is due."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from assistant.audio import earcons
from assistant.conversation.floor import PATIENCE_S, Floor
from assistant.conversation.reply import Reply
from assistant.dialogue.small_words import acknowledges
from assistant.events import Utterance
from assistant.ports import Clock
from assistant.wake.attention import Attention

_RINGS_AGAIN_AFTER_S = (5.0, 10.0, 20.0, 30.0, 40.0)
"""Silence after each ring that nobody reacts to: some two minutes in all, for who is in the next room."""


class Announcer:
    """Rings and says something outside a turn, when nobody else speaks."""

    def __init__(
        self, floor: Floor, attention: Attention, clock: Clock, compose: Callable[[int, str, str], Reply]
    ) -> None:
        """`compose` makes a reply of a turn number, a text and its language."""
        self._floor = floor
        self._attention = attention
        self._clock = clock
        self._compose = compose
        self._rings = 0
        self._somebody_reacts = anyio.Event()

    @property
    def ringing(self) -> bool:
        """Whether something rings, or will again."""
        return self._rings > 0

    async def announce(self, text: str, language: str, still: Callable[[], bool] = lambda: True) -> bool:
        """Ring and say `text`, as soon as no turn is going on and nobody speaks; a television that never falls silent
        is not waited for. Noise holds it up; who interrupts it was meant for the assistant, and has heard it. The
        result is false when nobody can have: the speaker or the voice failed, or when its turn came, it was not `still`
        to be said."""
        await self._may_begin()
        return still() and await self._say(text, language)

    async def ring(self, text: str, language: str, rung: Callable[[], None]) -> bool:
        """`announce` it again and again, further and further apart, until somebody reacts: to what they have heard, so
        not before the first ring begins. The result is false when nobody can have heard it even once. Muted, nobody can
        react, and once it is. `rung` is called after the first ring, if that was heard."""
        await self._may_begin()
        somebody_reacts = self._somebody_reacts
        self._rings += 1
        try:
            if not await self._say(text, language):
                return False
            rung()
            if self._attention.muted:
                return True
            for pause_s in _RINGS_AGAIN_AFTER_S:
                with anyio.move_on_after(pause_s):
                    await somebody_reacts.wait()
                    return True
                await self._may_begin()
                if somebody_reacts.is_set():
                    return True
                await self._say(text, language)
        finally:
            self._rings -= 1
        return True

    def react(self) -> None:
        """Somebody speaks to the assistant, or operates it: they have heard what rings."""
        self._somebody_reacts.set()
        self._somebody_reacts = anyio.Event()

    def acknowledged_by(self, text: str) -> bool:
        """Whether who said `text` says no more than that they have heard what rings: it falls silent, and nothing else
        comes of that."""
        if not self.ringing or not acknowledges(text):
            return False
        self.react()
        if self._floor.current is not None and self._floor.current.insists:
            self._floor.interrupt("speech")
        return True

    def overlaps(self, utterance: Utterance) -> bool:
        """Whether a turn was going on while the person spoke, or something rings; its pauses are part of that."""
        return self._floor.overlaps(utterance) or self.ringing

    async def _may_begin(self) -> None:
        with anyio.move_on_after(PATIENCE_S):
            await self._floor.idle()
        await self._floor.turn_ended()

    async def _say(self, text: str, language: str) -> bool:
        turn = self._floor.claim(insists=True)
        reply = self._compose(turn.turn_id, text, language)
        return await self._floor.speak(turn, reply, earcons.ringing(self._clock.monotonic_s(), turn.turn_id))
