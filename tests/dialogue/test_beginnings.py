"""What a voice is told that replies begin with."""

from __future__ import annotations

from datetime import datetime

import pytest

from assistant.dialogue.beginnings import beginnings
from assistant.dialogue.phrases import PHRASES
from assistant.dialogue.replies import phrase
from assistant.skills.clock import spoken_time

BEGINNINGS = beginnings()
UNASKED = ("cannot", "can_", "could_not", "timer_rings")


@pytest.mark.parametrize("key", [key for key in PHRASES if not key.startswith(UNASKED)])
def test_every_reply_begins_with_one_unless_it_begins_with_what_is_filled_in(key: str) -> None:
    for text in PHRASES[key]["zh"]:
        head = text.partition("{")[0]
        if "{" not in text or head[-1:] == "，" or len(head) > 2:
            assert text.startswith(tuple(BEGINNINGS))


def test_each_begins_a_reply_and_holds_nothing_to_be_filled_in() -> None:
    replies = [text for phrases in PHRASES.values() for text in phrases["zh"]]
    assert len(set(BEGINNINGS)) == len(BEGINNINGS)
    for beginning in BEGINNINGS:
        assert "{" not in beginning
        assert any(text.startswith(beginning) for text in replies)


def test_what_is_filled_in_comes_after_it() -> None:
    said = phrase("time", "zh", time=spoken_time(datetime(2026, 3, 3, 15, 25), "zh"))
    assert "现在的时间是" in BEGINNINGS
    assert said.startswith("现在的时间是")


def test_nothing_is_made_for_what_nobody_waits_for() -> None:
    unasked = ("can_see_again", "cannot_hear", "could_not_answer")
    assert not any(PHRASES[key]["zh"][0].startswith(tuple(BEGINNINGS)) for key in unasked)
