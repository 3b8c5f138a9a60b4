"""An emotion channel fails and works again while the assistant lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest

from assistant.app import Assistant
from assistant.config import Config
from assistant.emotion import CHANNELS
from assistant.events import EMOTION_LABELS, EmotionEstimate, Transcript
from assistant.models.store import ModelStore
from tests.doubles.living import TIME, Living, hang, until


class Moody:
    """Reads joy in every word, or raises while `broken`, once `hangs` has returned."""

    broken: ClassVar[bool] = False
    hangs: ClassVar[Callable[[], object]] = staticmethod(lambda: None)

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Moody:
        return cls()

    def estimate(self, evidence: Transcript) -> EmotionEstimate | None:
        self.hangs()
        if self.broken:
            raise RuntimeError("no mood")
        happy = tuple(float(label == "happy") for label in EMOTION_LABELS)
        return EmotionEstimate(evidence.at_s, "text", happy, valence=1.0, arousal=0.5, confidence=0.9)


def test_what_a_channel_finds_and_whether_it_works_is_told(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHANNELS, "text", f"{__name__}:Moody")
    living.configure("emotion", channels=["text"], fusion="fixed")
    living.says(TIME, TIME, TIME)

    async def script(assistant: Assistant) -> None:
        for at_s, broken in ((1.0, False), (10.0, True), (20.0, False)):
            monkeypatch.setattr(Moody, "broken", broken)
            living.room.say(at_s)
            await until(at_s + 8.0)

    said = living.live(script)
    assert len(said) == 3, "the conversation goes on without it"
    assert [event.channel for event in living.log.of(EmotionEstimate)] == ["text", "text"]
    (failure,) = living.failures("emotion-text")
    assert "no mood" in failure.error
    assert len(living.recoveries("emotion-text")) == 1


def test_a_channel_that_hangs_is_no_reason_to_end_the_conversation(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHANNELS, "text", f"{__name__}:Moody")
    living.configure("emotion", channels=["text"], fusion="fixed")
    living.says(TIME, TIME, TIME)

    async def script(assistant: Assistant) -> None:
        monkeypatch.setattr(Moody, "hangs", staticmethod(hang(30.0)))
        living.room.say(1.0)
        await until(12.0)
        assert "emotion-text" in assistant.health().last_failures
        assert assistant.health().ok
        for at_s in (12.0, 31.0):
            living.room.say(at_s)
            await until(at_s + 8.0)
        assert "emotion-text" not in assistant.health().last_failures

    said = living.live(script)
    assert len(said) == 3 and all(text.startswith("It's") for text in said)
    assert len(living.failures("emotion-text")) == len(living.recoveries("emotion-text")) == 1
