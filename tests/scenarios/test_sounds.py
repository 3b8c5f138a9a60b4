"""The sounds without words: two rising notes when somebody called, two falling ones when they said nothing."""

import anyio
import numpy as np
import pytest

from assistant.config import Config, WakeConfig
from assistant.errors import ControlError
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.conversation import Conversation
from tests.doubles.timed_speech import Piece


def _sounds_s(
    *pieces: Piece,
    talk_button_at_s: float | None = None,
    real_time_factor: float = 0.0,
    follow_up_sound: bool = False,
) -> list[float]:
    """When sounds began."""
    config = Config(wake=WakeConfig(follow_up_sound=follow_up_sound))
    conversation = Conversation(list(pieces), lasts_s=25.0, real_time_factor=real_time_factor, config=config)
    if talk_button_at_s is not None:

        async def press() -> None:
            await anyio.sleep(talk_button_at_s)
            await conversation.controls.listen_now()

        conversation.meanwhile.append(press)
    conversation.hold()
    rate_hz = conversation.speaker.sample_rate_hz
    loud = np.flatnonzero(np.abs(conversation.speaker.recording()) > 1e-3) / rate_hz
    return [round(float(at_s), 1) for at_s, gap_s in zip(loud, np.diff(loud, prepend=-1.0), strict=True) if gap_s > 0.5]


def test_who_calls_and_says_nothing_hears_the_end_of_the_window() -> None:
    assert _sounds_s(talk_button_at_s=2.0) == [2.0, 10.5]
    rises_s, falls_s = _sounds_s(Piece(1.0, 1.0, "Hey Jarvis."))
    assert 2.0 < rises_s < 3.0 and round(falls_s - rises_s, 1) == 8.5, "the window, and a moment for who began in it"


def test_nobody_hears_the_end_who_has_said_something_or_over_speech() -> None:
    assert len(_sounds_s(Piece(3.0, 1.2, "What time is it?"), talk_button_at_s=2.0)) == 2, "the rising notes, the reply"
    assert len(_sounds_s(Piece(1.0, 1.8, "Hey Jarvis, what time is it?"))) == 1, "the reply"
    begun_at_the_last_moment = Piece(9.8, 1.2, "What time is it?")
    _, answers_s = _sounds_s(begun_at_the_last_moment, talk_button_at_s=2.0)
    assert answers_s > 11.0
    cough, television = Piece(9.0, 1.5), Piece(11.8, 5.0, "and the story went on and on")
    assert _sounds_s(cough, television, talk_button_at_s=2.0, real_time_factor=0.8) == [2.0]


def test_who_wants_it_hears_the_end_of_every_window() -> None:
    asks = Piece(1.0, 1.8, "Hey Jarvis, what time is it?")
    answers_s, falls_s = _sounds_s(asks, follow_up_sound=True)
    assert 8.5 < falls_s - answers_s < 10.5, "the reply, the window, and a moment for who began in it"


def test_who_presses_the_talk_button_hears_that_it_listens_whoever_was_speaking() -> None:
    story = "and the story went on and on"
    assert _sounds_s(Piece(3.3, 0.7, "Oh well."), talk_button_at_s=4.3) == [4.3, 12.8], "in the pause after it"
    assert _sounds_s(Piece(1.0, 6.0, story), talk_button_at_s=4.0) == [4.0, 12.5], "in the middle of it"
    (answers_s,) = _sounds_s(Piece(1.0, 1.2, "What time is it?"), talk_button_at_s=1.8)
    assert answers_s > 2.2, "whoever presses it as they speak is not talked over"


def test_who_presses_the_talk_button_when_it_has_ended_hears_no_sound_that_it_listens() -> None:
    conversation = Conversation([], lasts_s=2.0)
    conversation.hold()

    async def press() -> None:
        with pytest.raises(ControlError, match="nobody listens"):
            await conversation.turns.listen_now()
        assert not conversation.turns.attentive

    run_in_virtual_time(press)
    assert not conversation.speaker.recording().any()
