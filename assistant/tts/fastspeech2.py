"""FastSpeech 2 and multi-band MelGAN: the Chinese voice. On two cores some forty times faster than it speaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from assistant.config import Config
from assistant.errors import ModelError, StageError
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle
from assistant.tts.chinese_numbers import spelled_out
from assistant.tts.clauses import pieces
from assistant.tts.finishing import has_words
from assistant.tts.hibari import HibariSynthesizer
from assistant.tts.mandarin_phones import in_parts, phones, runs
from assistant.tts.network_session import giving_back, open_session

_FIRST_PIECE = 8
"""Fewest characters of the first piece: two seconds of speech, which are made in a twentieth of one."""
_LONGEST_PIECE = 80
_MOST_PHONES = 225
"""Said in one go, at the usual rate: the network places 2048 frames, and a phone takes eight at most on average."""
_FEWEST_FRAMES = 10
"""The vocoder mirrors so many at the edges."""


class FastSpeech2Synthesizer:
    """Mandarin, female. Words in Latin letters are said by the English voice."""

    sample_rate_hz = 24_000
    languages = frozenset({"zh"})

    def __init__(self, folder: Path) -> None:
        """Load both networks from `folder`. Raises `ModelError` if they cannot be loaded."""
        self._run_options = giving_back()
        self._english: HibariSynthesizer | None = None
        try:
            symbols = json.loads((folder / "symbols.json").read_text(encoding="utf-8"))
            self._ids: dict[str, int] = symbols["symbol_to_id"]
            self._syllables: dict[str, list[str]] = symbols["pinyin_dict"]
            self._acoustic, self._vocoder = (
                open_session(folder / name) for name in ("fastspeech2.onnx", "melgan.onnx")
            )
            # Reads dictionaries and fills buffers now, not while somebody waits for an answer.
            list(self.synthesize("1点好", "zh", SpeakingStyle()))
        except Exception as error:  # onnxruntime raises a dozen types of its own, without a common base
            raise ModelError(
                f"The voice in {folder} cannot be loaded: {error}", remedy="Run: assistant models verify fastspeech2-zh"
            ) from error

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> FastSpeech2Synthesizer:
        return cls(models.path("fastspeech2-zh"))

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        """One block a piece of the sentence and language in it. Raises `StageError` if it can say nothing of it."""
        says_nothing = True
        for piece in pieces(spelled_out(sentence), _FIRST_PIECE, _LONGEST_PIECE):
            for spoken, text in runs(piece):
                blocks = self._in_english(text, style) if spoken == "en" else self._in_chinese(text, style)
                for block in blocks:
                    says_nothing = False
                    yield block
        if says_nothing and has_words(sentence):
            raise StageError("The Chinese voice knows none of these characters.", remedy="Another voice may: tts.zh.")

    def _in_chinese(self, text: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        for part in in_parts(phones(text, self._syllables), round(_MOST_PHONES * min(style.rate, 1.0))):
            yield self._infer(part, style.rate)

    def _in_english(self, text: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        self._english = self._english or HibariSynthesizer()
        yield from self._english.synthesize(text, "en", style)

    def _infer(self, phones: list[str], rate: float) -> AudioArray:
        feeds = {
            "tokens": np.array([[self._ids[phone] for phone in phones]], np.int32),
            "length_scale": np.array(1 / rate, np.float32),
        }
        mel = self._acoustic.run(["mel"], feeds, self._run_options)[0]
        if mel.shape[2] < _FEWEST_FRAMES:
            mel = np.pad(mel, ((0, 0), (0, 0), (0, _FEWEST_FRAMES - mel.shape[2])), mode="edge")
        samples: AudioArray = self._vocoder.run(["audio"], {"mel": mel}, self._run_options)[0]
        return samples
