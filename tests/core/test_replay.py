"""A conversation of recordings, without networks: what `assistant replay` and `assistant demo` hold."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant import asr
from assistant.asr import RECOGNIZERS
from assistant.config import Config
from assistant.models.store import ModelStore
from assistant.replay import replay
from assistant.script import script_of
from assistant.tts import SYNTHESIZERS
from tests.doubles.conversation import KnownWords
from tests.doubles.speech_like import speech_like
from tests.doubles.synthesizers import Tone

ROOT = Path(__file__).parents[2]


class Asked(KnownWords):
    """Hears two requests."""

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Asked:
        return cls(["Hey Jarvis, what can you do?", "Hey Jarvis, turn it up."])


@pytest.fixture
def config(leaves_nothing: None, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the voices' process loads its double by name
    monkeypatch.setitem(RECOGNIZERS, "asked", f"{__name__}:{Asked.__name__}")
    monkeypatch.setattr(asr, "IN_THIS_PROCESS", {"asked"})
    monkeypatch.setitem(SYNTHESIZERS, "Tone", f"{Tone.__module__}:{Tone.__name__}")
    return Config.model_validate(
        {
            "audio": {"echo_guard": False, "volume": 0.5},
            "vad": {"backend": "energy"},
            "asr": {"backend": "asked"},
            "emotion": {"channels": []},
            "tts": {"en": "Tone", "zh": "Tone", "preload": []},
        }
    )


def test_it_is_as_loud_as_configured_and_louder_when_that_is_asked_for(config: Config, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "speech.wav", speech_like(seconds=1.5), 16_000)
    script = script_of([tmp_path / "speech.wav"] * 2)
    replayed = replay(config, script, None, ModelStore(tmp_path), lambda clock: [], "max")
    assert [turn.played for turn in replayed.timeline.turns][1:] == ["Okay, louder."]
    rate_hz = replayed.reply_rate_hz
    first, louder = (
        np.abs(replayed.reply[round(turn.first_sound_at_s * rate_hz) :][: rate_hz // 4]).max()
        for turn in replayed.timeline.turns
    )
    whole = 0.5  # how loud the voice is by itself
    assert first == pytest.approx(0.5 * whole, rel=0.05)
    assert louder > 1.1 * first


def test_what_time_it_is_is_the_script_s(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else no two replays of a recording would say the same."""
    monkeypatch.setattr(Asked, "create", lambda config, models: KnownWords(["Hey Jarvis, what time is it?"]))
    soundfile.write(tmp_path / "speech.wav", speech_like(seconds=1.5), 16_000)
    starts_at = datetime(2026, 3, 3, 17, 10, tzinfo=timezone.utc)
    script = script_of([tmp_path / "speech.wav"]).model_copy(update={"starts_at": starts_at})
    replayed = replay(config, script, None, ModelStore(tmp_path), lambda clock: [], "max")
    assert [turn.played for turn in replayed.timeline.turns] == ["It's ten past five."]
