"""espeak-ng: small, robotic, speaks everything; the fallback. GPL, so always a program of its own, never a library."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from assistant.config import Config
from assistant.errors import DependencyMissingError
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle
from assistant.tts.wav import output_of, samples_from_wav

INSTALL = "sudo apt-get install espeak-ng"
WORDS_A_MINUTE = 165
# Its reading of Chinese characters is gibberish; given pinyin it is understandable.
_VOICES = {"en": "en-us", "zh": "cmn-latn-pinyin"}


class EspeakSynthesizer:
    """English and Chinese."""

    sample_rate_hz = 22_050
    languages = frozenset(_VOICES)

    def __init__(self, timeout_s: float) -> None:
        """Raises `DependencyMissingError` if the program is not installed."""
        require_espeak()
        self._timeout_s = timeout_s

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> EspeakSynthesizer:
        return cls(config.tts.timeout_s)

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        """One block."""
        speed = str(round(WORDS_A_MINUTE * style.rate))
        command = ["espeak-ng", "--stdout", "--stdin", "-b", "1", "-v", _VOICES[language], "-s", speed]
        wav = output_of(command, readable(sentence, language), timeout_s=self._timeout_s, package=INSTALL)
        if wav:
            samples, self.sample_rate_hz = samples_from_wav(wav)
            yield samples


def require_espeak() -> None:
    """Raise `DependencyMissingError` if the program is not installed."""
    if not shutil.which("espeak-ng"):
        raise DependencyMissingError("The program 'espeak-ng' is not installed.", remedy=f"Install it with: {INSTALL}")


def readable(sentence: str, language: str) -> str:
    """What espeak-ng is given for a sentence: pinyin with tone numbers if it is Chinese."""
    if language != "zh":
        return sentence
    import pypinyin  # 40 MB that English does without

    from assistant.tts.chinese_numbers import spelled_out

    syllables = pypinyin.lazy_pinyin(spelled_out(sentence), style=pypinyin.Style.TONE3, neutral_tone_with_five=True)
    return " ".join(syllables)
