"""pyttsx3: the platform's own engine, espeak-ng on Linux, loaded as a library: optional, and only in the child process.

Its event loop is known to hang on a second sentence, which is one reason why every voice runs where it can be killed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from pyttsx3.engine import Engine

from assistant.config import Config
from assistant.errors import DependencyMissingError
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle
from assistant.tts.espeak import readable
from assistant.tts.wav import samples_from_wav

_WORDS_A_MINUTE = 165
_VOICES = {"en": "gmw/en-us", "zh": "sit/cmn-latn-pinyin"}


class Pyttsx3Synthesizer:
    """English and Chinese through pyttsx3's espeak driver."""

    sample_rate_hz = 22_050
    languages = frozenset(_VOICES)

    def __init__(self) -> None:
        """Raises `DependencyMissingError` if the espeak-ng library is not installed."""
        self._engine()

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Pyttsx3Synthesizer:
        return cls()

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        """One block."""
        engine = self._engine()
        engine.setProperty("voice", _VOICES[language])
        engine.setProperty("rate", round(_WORDS_A_MINUTE * style.rate))
        with tempfile.TemporaryDirectory(prefix="assistant-") as folder:
            path = Path(folder) / "speech.wav"
            engine.save_to_file(readable(sentence, language), str(path))
            engine.runAndWait()
            if path.exists():
                samples, self.sample_rate_hz = samples_from_wav(path.read_bytes())
                yield samples

    def _engine(self) -> Engine:
        # A new one each time: a used one hangs.
        try:
            return Engine("espeak")
        except (OSError, RuntimeError, ImportError) as error:
            raise DependencyMissingError(
                f"pyttsx3 needs the espeak-ng library, which cannot be loaded: {error}",
                remedy="Install it with: sudo apt-get install espeak-ng",
            ) from error
