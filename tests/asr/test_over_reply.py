"""What may be an interruption is recognised as one too, which takes longer, where it can be one and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.events import PlaybackFinished, PlaybackStarted
from assistant.ports import Recognition
from tests.doubles.living import Living, Words, until

ROOT = Path(__file__).parents[2]
MISHEARD = Recognition("Mustafa.", "en", 0.4, ("Stop.",))


@pytest.mark.parametrize("ahead", [True, False])
def test_what_is_said_over_a_reply_or_a_ring_is_perhaps_a_stop_and_nothing_else_is(
    leaves_nothing: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: bool
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the voices' process loads its doubles by name
    living = Living(tmp_path, monkeypatch)
    living.configure("wake", follow_up_s=1.0)
    if not ahead:  # an end that comes with the pause
        living.configure("vad", pause_s=0.3, end_silence_s=0.3, end_silence_complete_s=0.3)
    living.says(
        "Hey Jarvis, set a timer for twenty seconds.", MISHEARD, "Hey Jarvis, what can you do?", *2 * [MISHEARD]
    )

    async def said_over_reply(at_s: float) -> bool:
        Words.over_reply.clear()
        living.room.say(at_s, 0.5)
        await until(at_s + 2.0)
        (over_reply,) = set(Words.over_reply)  # in the pause, or at the end
        return over_reply

    async def script(assistant: Assistant) -> None:
        assert not await said_over_reply(1.0)
        await until(8.0)
        assert not await said_over_reply(9.0), "and it answers nothing"
        assert not await said_over_reply(12.0)
        assert len(living.log.of(PlaybackStarted)) == 2
        assert await said_over_reply(14.5)
        assert await said_over_reply(22.0), "the timer's sound"
        await until(40.0)

    living.live(script)
    assert [event.completed for event in living.log.of(PlaybackFinished) if event.text] == [True, False], living.said
    assert len(living.heard) == 4, "requests and stops"
