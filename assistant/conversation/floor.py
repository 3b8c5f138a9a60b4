"""Who has the floor: the person, a reply, or nobody.

A reply waits while the person speaks, falls silent when they speak over it, and goes on if that was nothing. It lives
in a cancel scope: an interruption cancels it, and with it all that was still to be said.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import anyio

from assistant.common import Common
from assistant.conversation.reply import Reply
from assistant.conversation.speaking import Speaking
from assistant.events import Interruption, SpeechChunk, TurnFinished, Utterance

PATIENCE_S = 3.0
"""How long a reply waits to begin, and an announcement to be made, while someone speaks."""

_STALE_S = 8.0
"""A reply that was held up for so long is given up: nobody remembers where it stopped."""


@dataclass(slots=True, eq=False)
class Turn:
    """One exchange, or one announcement."""

    turn_id: int
    insists: bool = False
    """Whether it must be heard some time, whoever goes on speaking: a timer that rings."""
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    waited: bool = False
    """Whether it has waited long enough: from then on, one that insists is not held up any more."""
    superseded: bool = False
    """Whether a newer turn or a call takes its place: they decide how long somebody is attended to."""


class Floor:
    """Lets one speak at a time."""

    def __init__(self, common: Common, speaking: Speaking) -> None:
        self._speaking = speaking
        self._clock, self._emit = common.clock, common.emit
        self._barge_in = common.config.tts.barge_in
        """Whether speech holds up a reply that is being heard."""
        self._lock = anyio.Lock()
        self._changed = anyio.Event()
        self._speaks = False
        self._since_s = -math.inf
        self._begun_s: deque[float] = deque()
        """When what they say, and what of it waits to be dealt with, was begun, however often it was cut since; the
        oldest first."""
        self._taken_over = 0
        self._ended_at_s = -math.inf
        self.current: Turn | None = None
        self.last_turn_id = 0

    @property
    def person_is_done(self) -> bool:
        """Whether the person is silent and all they said has been dealt with."""
        return not self._speaks and not self.behind

    @property
    def person_speaks(self) -> bool:
        """Whether the person is speaking now."""
        return self._speaks

    @property
    def speaks_since_s(self) -> float | None:
        """When it was known that they began to, or that they went on after a cut; None if they do not."""
        return self._since_s if self._speaks else None

    def person_began(self, at_s: float) -> None:
        """The person begins to speak: what is being said is held, what is about to be said waits."""
        self._speaks, self._since_s = True, at_s
        self._begun_s.append(at_s)
        if self.current is None or (self.current.insists and self.current.waited):
            return
        if self._barge_in or not self._speaking.audible:
            self._speaking.hold()

    def person_goes_on(self, at_s: float) -> None:
        """What they say is cut for its length: a piece of it waits to be dealt with, and nothing is held up anew."""
        self._since_s = at_s
        self._begun_s.append(self._begun_s[-1])

    def person_ended(self) -> None:
        """They fell silent; what they said waits to be dealt with."""
        self._speaks = False
        self._notify()

    def person_gave_up(self) -> None:
        """What they were saying will not be heard."""
        self._speaks = False
        self._begun_s.pop()
        self._notify()

    def dealt_with(self) -> None:
        """One thing that they said needs no more attention."""
        self._begun_s.popleft()
        self._notify()

    @property
    def behind(self) -> bool:
        """Whether something that they said waits to be dealt with."""
        return len(self._begun_s) > self._speaks

    async def caught_up(self) -> None:
        """Return when nothing that they said waits to be dealt with."""
        while self.behind:
            await self._changed.wait()

    async def idle(self) -> None:
        """Return when nobody speaks and nothing is left to answer."""
        while not self.person_is_done or self.current is not None:
            await self._changed.wait()

    async def settled(self, at_s: float) -> None:
        """Return when what the person had begun to say by then has been dealt with, and nothing is left to answer."""
        while self.current is not None or (self._begun_s and self._begun_s[0] <= at_s):
            await self._changed.wait()

    def overlaps(self, utterance: Utterance) -> bool:
        """Whether a turn was going on while the person spoke, also one of which no word had been heard yet."""
        return self.current is not None or utterance.started_at_s < self._ended_at_s

    def claim(self, *, insists: bool = False) -> Turn:
        """A new turn, which is the current one from now on."""
        self.last_turn_id += 1
        self.current = Turn(self.last_turn_id, insists)
        return self.current

    def interrupt(self, reason: str) -> None:
        """Void the current turn for what comes instead: it falls silent and nothing more of it will be heard."""
        if self.current is not None:
            self.current.superseded = True
            self._void(self.current, reason)

    async def take_over(self, reason: str) -> Turn:
        """Void the current turn and claim the next one; no announcement comes between."""
        self._taken_over += 1
        try:
            self.interrupt(reason)
            while self.current is not None:
                await self._changed.wait()
            return self.claim()
        finally:
            self._taken_over -= 1
            self._notify()

    async def turn_ended(self) -> None:
        """Return when no turn is going on or about to begin, whether or not the person speaks."""
        while self.current is not None or self._taken_over:
            await self._changed.wait()

    async def vacant(self) -> None:
        """Return when the reply that was interrupted has ended."""
        async with self._lock:
            pass

    async def speak(self, turn: Turn, reply: Reply, sound: SpeechChunk | None = None) -> bool:
        """Speak the reply of the current turn to its end, or until it is interrupted; `sound` comes before it. The
        result is whether all of it was heard; who interrupts it over `sound` or later has heard it."""
        heard = False
        try:
            async with self._lock:
                with turn.scope:
                    if sound is not None and (heard := await self._speaking.play(sound)):
                        await self._speaking.wait_out(sound)
                    heard = await self._speaking.speak(
                        turn.turn_id,
                        reply.sentences,
                        lambda: self._may_go_on(turn),
                        awaits_speaker=not turn.insists,  # what insists is announced anew
                    )
        finally:
            if self.current is turn:
                self.current = None
            self._ended_at_s = self._clock.monotonic_s()
            self._emit(TurnFinished(self._ended_at_s, turn.turn_id))
            self._notify()
        return heard

    async def _may_go_on(self, turn: Turn) -> None:
        """Not to talk over someone; whatever it is that goes on, it is not waited for long."""
        stale = self._speaking.paused and not turn.insists
        with anyio.move_on_after(_STALE_S if stale else PATIENCE_S):
            while not self.person_is_done:
                await self._changed.wait()
            return
        turn.waited = True
        if stale:
            self._void(turn, "speech")

    def _void(self, turn: Turn, reason: str) -> None:
        if not turn.scope.cancel_called:
            self._emit(Interruption(self._clock.monotonic_s(), turn.turn_id, reason))
            turn.scope.cancel()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
