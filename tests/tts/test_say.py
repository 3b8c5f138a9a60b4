"""`assistant say` into a file, with real voices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.commands.say import say
from assistant.config import AudioConfig, Config
from assistant.errors import ConfigError, DeviceError, MediaError, StageError
from tests.doubles.sound_devices import sound_thread


def test_it_writes_a_wav_of_what_was_said(tmp_path: Path) -> None:
    out = tmp_path / "folder" / "speech.wav"
    length_s = say("Hello there.", out, None, "hibari", Config())
    samples, rate_hz = soundfile.read(out, dtype="float32")
    assert (rate_hz, samples.ndim) == (24_000, 1)
    assert len(samples) / rate_hz == pytest.approx(length_s)
    assert 0.4 < length_s < 2
    assert np.abs(samples).max() > 0.1
    assert [path.name for path in out.parent.iterdir()] == ["speech.wav"], "nothing half-written stays"


@pytest.mark.parametrize("text", ["", "…", "?!"])
def test_nothing_to_say_is_said_so(text: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="nothing to say"):
        say(text, tmp_path / "x.wav", None, None, Config())
    assert not (tmp_path / "x.wav").exists()


def test_an_unknown_voice_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="hibari, fastspeech2, kokoro"):
        say("Hello.", tmp_path / "x.wav", None, "siri", Config())


def test_a_voice_that_does_not_speak_the_language_is_named_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="The voice 'hibari' does not speak 'zh'") as refused:
        say("你好。", tmp_path / "x.wav", None, "hibari", Config())
    assert "kokoro" in str(refused.value.remedy) and "hibari" not in str(refused.value.remedy)


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match=r"x\.wav cannot be written"):
        say("Hello.", tmp_path / "file" / "x.wav", None, "hibari", Config())


def test_a_speaker_that_is_not_there_is_named() -> None:
    with sound_thread(), pytest.raises(DeviceError):
        say("Hello.", None, None, "hibari", Config(audio=AudioConfig(output="no such speaker")))
