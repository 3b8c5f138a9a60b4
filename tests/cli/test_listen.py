"""`assistant listen` gives back what it holds, however it ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import soundfile

from assistant.asr import RECOGNIZERS
from assistant.config import Config
from assistant.errors import DeviceError, StageError
from assistant.models.store import ModelStore
from tests.doubles.command import typed
from tests.doubles.sound_devices import SoundCards, sound_thread
from tests.doubles.speech_like import speech_like


class Deaf:
    """A recogniser that fails on whatever it hears."""

    languages = frozenset({"en"})
    streams_partials = False
    closed: ClassVar[int] = 0

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Deaf:
        return cls()

    def open(self, language: str | None) -> Deaf:
        raise StageError("The recogniser is deaf.")

    def close(self) -> None:
        type(self).closed += 1


@pytest.mark.parametrize(
    ("from_file", "error", "told"), [(True, StageError, "is deaf"), (False, DeviceError, "microphone")]
)
def test_the_recogniser_is_closed_when_it_fails_and_when_no_microphone_opens(
    from_file: bool,
    error: type[StageError | DeviceError],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", SoundCards(tmp_path / "cards"))
    monkeypatch.setitem(RECOGNIZERS, "deaf", f"{__name__}:Deaf")
    monkeypatch.setattr(Deaf, "closed", 0)
    configuration, recording = tmp_path / "mine.toml", tmp_path / "said.wav"
    configuration.write_text(
        'asr.backend = "deaf"\nasr.language = "en"\nvad.backend = "energy"\naudio.input = "no such microphone"\n'
    )
    silence = np.zeros(16_000, np.float32)
    soundfile.write(recording, np.concatenate([silence, speech_like(), silence, silence]), 16_000)
    said = ["--audio", recording] if from_file else []
    with sound_thread():
        code, printed = typed("listen", *said, "--config", configuration, env={}, capture=capfd)
    assert code == error.exit_code
    assert told in printed
    assert Deaf.closed == 1
