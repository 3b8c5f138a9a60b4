"""Piper: good voices for many languages. Its package is GPL, so it is a program of its own and never imported."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from assistant.config import Config
from assistant.errors import DependencyMissingError
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle
from assistant.tts.wav import output_of, samples_from_pcm16

_INSTALL = "pipx install piper-tts"


class PiperSynthesizer:
    """American English, male ("joe"); the program must be on the PATH."""

    languages = frozenset({"en"})

    def __init__(self, voice: Path, timeout_s: float) -> None:
        """`voice` is the .onnx file, with its .onnx.json beside it."""
        if not shutil.which("piper"):
            raise DependencyMissingError("The program 'piper' is not installed.", remedy=f"Install it with: {_INSTALL}")
        self._voice = voice
        self._timeout_s = timeout_s
        settings = json.loads(voice.with_name(f"{voice.name}.json").read_text(encoding="utf-8"))
        self.sample_rate_hz: int = settings["audio"]["sample_rate"]

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> PiperSynthesizer:
        return cls(next(models.path("piper-joe").glob("*.onnx")), config.tts.timeout_s)

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        """One block."""
        command = ["piper", "--model", str(self._voice), "--output-raw", "--length-scale", f"{1 / style.rate:.3f}"]
        raw = output_of(command, sentence.replace("\n", " "), timeout_s=self._timeout_s, package=_INSTALL)
        yield samples_from_pcm16(raw)
