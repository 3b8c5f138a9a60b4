"""Muted in the middle of a sentence: what was said so far is neither understood nor carried out."""

from __future__ import annotations

from assistant.app import Assistant
from assistant.events import PlaybackStarted, SpeechDiscarded, SpeechEnded, Transcript
from tests.doubles.living import TIME, Living, until


def test_muted_in_mid_sentence_it_makes_nothing_of_the_half(living: Living) -> None:
    living.says("Hey Jarvis, set a timer for one", TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0, 6.0)
        await until(5.0)
        assert assistant.controls is not None
        await assistant.controls.mute()
        await until(15.0)
        assert len(living.log.of(SpeechDiscarded)) == 1
        assert not living.log.of(SpeechEnded)
        assert not living.log.of(Transcript) and not living.log.of(PlaybackStarted)
        await assistant.controls.unmute()
        living.room.say(18.0)
        await until(24.0)

    living.live(script)
    assert len(living.log.of(SpeechEnded)) == 1, "what is said afterwards is heard"
