from collections.abc import AsyncGenerator

import anyio
import anyio.lowlevel

from assistant.audio.scripted import RecordingSpeaker
from assistant.clock import LoopClock
from assistant.common import Common
from assistant.config import Config
from assistant.conversation.reply import Sentence
from assistant.conversation.speaking import Speaking
from assistant.events import Event, PlaybackFinished, PlaybackPaused
from assistant.ports import SpeakingStyle
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.conversation import HummingVoices


async def _noon() -> AsyncGenerator[Sentence, None]:
    yield Sentence("It's noon.", "en", SpeakingStyle())


def test_a_reply_is_not_held_in_the_moment_in_which_it_has_been_heard():
    told: list[Event] = []

    class Heard(RecordingSpeaker):
        async def drain(self) -> None:
            await super().drain()
            speaking.hold()

    clock = LoopClock()
    speaking = Speaking(Common.create(Config(), clock, told.append), HummingVoices(), Heard(clock), guard=None)

    async def main() -> bool:
        return await speaking.speak(1, _noon(), anyio.lowlevel.checkpoint)

    assert run_in_virtual_time(main)
    assert [event.completed for event in told if isinstance(event, PlaybackFinished)] == [True]
    assert not [event for event in told if isinstance(event, PlaybackPaused)]
