"""The monitor: channels on their workers, failures announced once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from assistant.config import Config, EmotionConfig
from assistant.emotion.fixed_weights import FixedWeights
from assistant.emotion.fusion import EmotionFusion
from assistant.emotion.monitor import EmotionMonitor
from assistant.emotion.text import TextEmotion
from assistant.errors import ConfigError, ModelError
from assistant.events import (
    Box,
    EmotionEstimate,
    Event,
    Face,
    StageFailed,
    StageRecovered,
    Transcript,
    VideoFrame,
)
from assistant.models.store import ModelStore
from assistant.ports import FaceEvidence
from tests.doubles.speech_like import speech_like, utterance


def said(text: str, at_s: float = 1.0) -> Transcript:
    return Transcript(at_s, 1, text, "en", 1.0, True)


class Moody:
    """A channel that fails while `broken`."""

    name = "text"

    def __init__(self) -> None:
        self.broken: Exception | None = None
        self._channel = TextEmotion()

    def estimate(self, evidence: Transcript) -> EmotionEstimate | None:
        if self.broken:
            raise self.broken
        return self._channel.estimate(evidence)


def run(check: Callable[[EmotionMonitor, Moody, list[Event]], Awaitable[None]]) -> None:
    async def main() -> None:
        events: list[Event] = []
        channel = Moody()
        monitor = EmotionMonitor(
            {"text": channel}, EmotionFusion(EmotionConfig(), FixedWeights(("text",))), events.append
        )
        try:
            await check(monitor, channel, events)
        finally:
            monitor.close()

    anyio.run(main)


def test_an_estimate_is_emitted_and_fused() -> None:
    async def check(monitor: EmotionMonitor, channel: Moody, events: list[Event]) -> None:
        assert monitor.state(0.0) is None
        estimate = await monitor.text(said("I am so happy"))
        assert events == [estimate]
        state = monitor.state(2.0, turn_id=9)
        assert state is not None
        assert (state.label, state.turn_id) == ("happy", 9)

    run(check)


def test_no_evidence_changes_nothing() -> None:
    async def check(monitor: EmotionMonitor, channel: Moody, events: list[Event]) -> None:
        assert await monitor.text(said("set a timer")) is None
        assert events == []
        assert monitor.state(2.0) is None

    run(check)


def test_a_channel_that_is_off_says_nothing() -> None:
    async def check(monitor: EmotionMonitor, channel: Moody, events: list[Event]) -> None:
        assert await monitor.voice(utterance(speech_like())) is None
        assert events == []

    run(check)


@pytest.mark.parametrize(
    ("error", "message", "remedy"),
    [
        (ValueError("bad shape"), "The emotion-text failed: ValueError('bad shape')", ""),
        (ModelError("It broke.", remedy="Mend it."), "It broke.", "Mend it."),
    ],
)
def test_a_failing_channel_is_reported_once_and_may_recover(error: Exception, message: str, remedy: str) -> None:
    async def check(monitor: EmotionMonitor, channel: Moody, events: list[Event]) -> None:
        channel.broken = error
        for at_s in (1.0, 2.0, 3.0):
            assert await monitor.text(said("I am so happy", at_s)) is None
        assert events == [StageFailed(1.0, "emotion-text", message, remedy)]
        assert monitor.state(3.0) is None
        channel.broken = None
        estimate = await monitor.text(said("I am so happy", 4.0))
        assert events[1:] == [StageRecovered(4.0, "emotion-text"), estimate]
        channel.broken = error
        await monitor.text(said("I am so happy", 5.0))
        assert isinstance(events[-1], StageFailed)

    run(check)


class Blank:
    """A face channel that reads nothing."""

    def estimate(self, evidence: FaceEvidence) -> None:
        return None


def test_what_one_person_said_is_not_how_another_feels() -> None:
    async def main() -> None:
        channels: dict[str, Any] = {"face": Blank(), "text": TextEmotion()}
        monitor = EmotionMonitor(channels, EmotionFusion(EmotionConfig(), FixedWeights(("text",))), lambda _: None)

        async def see(track_id: int | None) -> None:
            face = Face(Box(0.3, 0.3, 0.7, 0.7), 1.0)
            await monitor.face(FaceEvidence(VideoFrame(0.0, np.zeros((9, 9, 3), np.uint8)), face, track_id))

        def label(now_s: float) -> str | None:
            state = monitor.state(now_s)
            return state.label if state else None

        await monitor.text(said("I feel so sad", 1.0))
        assert label(1.5) == "sad"
        await see(5)  # whoever was heard before anyone was seen
        assert label(2.0) == "sad"
        await see(9)
        assert monitor.state(2.5) is None
        await monitor.text(said("I am so happy", 3.0))
        await see(None)  # it cannot be told whose face that is
        assert label(3.5) == "happy"
        await see(5)
        assert label(4.0) == "sad"
        for stranger in range(20, 30):
            await see(stranger)
        await see(5)
        assert monitor.state(4.5) is None
        monitor.close()

    anyio.run(main)


def test_a_missing_model_leaves_out_only_its_channel(tmp_path: Path) -> None:
    async def main() -> None:
        events: list[Event] = []
        monitor = EmotionMonitor.create(Config(), ModelStore(tmp_path), events.append, now_s=3.0)
        (failed,) = events
        assert isinstance(failed, StageFailed)
        assert (failed.at_s, failed.stage) == (3.0, "emotion-face")
        assert "models pull face-emotion" in failed.remedy
        assert await monitor.text(said("I feel down")) is not None
        monitor.close()

    anyio.run(main)


def test_an_unknown_channel_is_a_wrong_configuration(tmp_path: Path) -> None:
    config = Config(emotion=EmotionConfig(channels=("text", "aura")))
    with pytest.raises(ConfigError, match="'aura'"):
        EmotionMonitor.create(config, ModelStore(tmp_path), lambda _: None, now_s=0.0)
