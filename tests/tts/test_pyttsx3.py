"""pyttsx3's run loop is known to hang or to refuse when it is run for a second time."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.config import Config
from assistant.errors import DependencyMissingError
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle
from assistant.tts.pyttsx3 import Pyttsx3Synthesizer

_RUNS_ONCE = """
import wave
runs = []
class Engine:
    def setProperty(self, name, value): ...
    def save_to_file(self, text, path): self.path = path
    def runAndWait(self):
        runs.append(self)
        if len(runs) > 1:
            raise RuntimeError("run loop already started")
        with wave.open(self.path, "wb") as file:
            file.setparams((1, 2, 22050, 0, "NONE", ""))
            file.writeframes(bytes(4410))
def init(driver=None): return Engine()
"""
_DRIVER = """
RATE = 1
def SetParameter(*parameters): ...
def Synchronize(): ...
"""


def test_an_engine_that_runs_only_once_says_a_second_and_a_third_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyttsx3/drivers").mkdir(parents=True)
    (tmp_path / "pyttsx3/__init__.py").write_text(_RUNS_ONCE)
    (tmp_path / "pyttsx3/drivers/__init__.py").touch()
    (tmp_path / "pyttsx3/drivers/_espeak.py").write_text(_DRIVER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    try:
        voice = Pyttsx3Synthesizer.create(Config(), ModelStore())
    except DependencyMissingError as error:
        pytest.skip(f"the voice was NOT tested: {error}")
    for sentence in ("One.", "Two.", "Three."):
        [samples] = voice.synthesize(sentence, "en", SpeakingStyle())
        assert samples.size == 2205
