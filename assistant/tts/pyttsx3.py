"""pyttsx3: the platform's own engine, which on Linux is espeak-ng loaded as a library.

Its event loop is known to hang on a second sentence and its callbacks crash what is around them, so each sentence gets
an interpreter of its own (`assistant.tts.pyttsx3_main`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from assistant.child.launcher import python_command
from assistant.config import Config
from assistant.errors import DependencyMissingError
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle
from assistant.registry import install_extra
from assistant.tts.espeak import INSTALL, WORDS_A_MINUTE, readable, require_espeak
from assistant.tts.wav import output_of, samples_from_wav

_VOICES = {"en": "gmw/en-us", "zh": "sit/cmn-latn-pinyin"}


class Pyttsx3Synthesizer:
    """English and Chinese through pyttsx3's espeak driver."""

    sample_rate_hz = 22_050
    languages = frozenset(_VOICES)

    def __init__(self, timeout_s: float) -> None:
        """Raises `DependencyMissingError` if pyttsx3 or espeak-ng is not installed."""
        require_espeak()
        if not importlib.util.find_spec("pyttsx3"):
            raise DependencyMissingError(
                "The Python package 'pyttsx3' is not installed.", remedy=install_extra("espeak")
            )
        self._timeout_s = timeout_s

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Pyttsx3Synthesizer:
        return cls(config.tts.timeout_s)

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        """One block."""
        rate = str(round(WORDS_A_MINUTE * style.rate))
        command = python_command("assistant.tts.pyttsx3_main", _VOICES[language], rate)
        wav = output_of(command, readable(sentence, language), timeout_s=self._timeout_s, package=INSTALL)
        if wav:
            samples, self.sample_rate_hz = samples_from_wav(wav)
            yield samples
