"""A stop, which is too short to be recognised well, over a reply of the real assistant with its real networks."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from assistant.app import Assistant, Devices
from assistant.audio.files import read_audio
from assistant.audio.scripted import ScriptedMicrophone, SilentSpeaker
from assistant.clock import LoopClock
from assistant.config import Config
from assistant.events import IntentRecognized, PlaybackFinished, PlaybackStarted, Transcript
from assistant.models.store import ModelStore
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.conversation import EventLog
from tests.doubles.person import Person

pytestmark = pytest.mark.models
_SETTINGS = {
    "wake": {"mode": "push-to-talk"},
    "tts": {"barge_in": False},
    "vision": {"camera": "none"},
    "emotion": {"channels": []},
    "audio": {"echo_guard": False},
}
"""Nothing but a stop gets through."""
_OVER_IT_S = 2.0
_SETTLE_S = 2.0


@pytest.fixture
def spoken(request: pytest.FixtureRequest) -> Person:
    """Recordings of what a person says."""
    return Person(request)


async def _each_over_a_reply(said: list[Path], asks: Path, models: ModelStore, log: EventLog) -> None:
    clock = LoopClock()
    microphone = ScriptedMicrophone(clock)
    devices = Devices(microphone, SilentSpeaker(clock), None)
    assistant = Assistant(Config.model_validate(_SETTINGS), devices, models, clock, [log])

    async def say(recording: Path) -> None:
        await microphone.say(read_audio(recording))
        await anyio.sleep(_SETTLE_S)

    try:
        await assistant.start()
        async with anyio.create_task_group() as group:
            group.start_soon(assistant.run)
            await anyio.sleep(_SETTLE_S)
            for number, stop in enumerate(said, 1):
                await assistant.controls.listen_now()
                await say(asks)
                assert len(log.of(PlaybackStarted)) == number
                await anyio.sleep(_OVER_IT_S)
                await say(stop)
                await assistant.turns.idle()
            await microphone.close()
            group.cancel_scope.cancel()
    finally:
        await assistant.close()


def test_a_stop_over_a_reply_is_understood(spoken: Person, model_store: ModelStore) -> None:
    said = [
        spoken("停。", "zh"),
        spoken("停。", "zh", "jm_kumo"),
        spoken("Stop.", "en", "jf_gongitsune"),
        spoken("Stop."),
        spoken("好了好了别说了。", "zh", "jf_nezumi"),
    ]
    asks, log = spoken("What can you do?"), EventLog()
    run_in_virtual_time(lambda: _each_over_a_reply(said, asks, model_store, log))
    heard = [event.text for event in log.of(Transcript) if event.is_final]
    assert [event.completed for event in log.of(PlaybackFinished) if event.text] == [False] * len(said), heard
    assert [event.intent for event in log.of(IntentRecognized)] == ["help", "stop"] * len(said), heard
