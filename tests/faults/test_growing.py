"""An assistant keeps nothing of the turns that are over."""

from __future__ import annotations

import gc

from assistant.app import Assistant
from assistant.conversation.playback import Playback
from assistant.events import SpeechChunk, Transcript, Utterance
from tests.doubles.living import TIME, Living, until

TURNS, EVERY_S = 16, 8.0
KINDS = (Transcript, Utterance, SpeechChunk, Playback)


def test_what_was_said_and_heard_is_not_kept_turn_by_turn(living: Living) -> None:
    living.says(*[TIME] * TURNS)
    held: list[int] = []

    async def script(assistant: Assistant) -> None:
        for turn in range(TURNS):
            living.room.say(2.0 + EVERY_S * turn)
            await until(9.0 + EVERY_S * turn)
            living.log.events.clear()
            gc.collect()
            held.append(sum(isinstance(thing, KINDS) for thing in gc.get_objects()))

    living.live(script)
    assert held[-1] - held[5] < 5, held
