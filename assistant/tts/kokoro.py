"""Kokoro-82M: a Chinese voice. Half as long to compute as to hear on two cores, so it begins with a short piece."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from assistant.config import Config
from assistant.errors import ConfigError, ModelError, StageError
from assistant.events import AudioArray
from assistant.models.record import read_record
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle
from assistant.tts.clauses import pieces, spoken_length
from assistant.tts.english import phonemes_from_english
from assistant.tts.finishing import trimmed, until_pause
from assistant.tts.mandarin import phonemes_from_chinese
from assistant.tts.network_session import giving_back, open_session

_DEFAULT_VOICE = "jf_gongitsune"
_MAX_TOKENS = 508
"""The network's positions, less one pad at either end; a voice has as many style vectors."""
_FIRST_PIECE = 3
"""Fewest characters of the first piece: shorter ones cost the network as much."""
_LONGEST_PIECE = 80
_SILENCE_TOKENS = 15
"""What is silent before and after a piece takes as long as so many tokens."""
_GOES_ON = "，下午三点二十五分。"
"""After what is unfinished, in Chinese: a mark with a pause, and enough for a melody."""
_FULL_STOP = "。"
"""Adds next to nothing but silence, which takes as long to make as sound; a single syllable is too short without."""


class KokoroSynthesizer:
    """Chinese, and English for whoever asks (`assistant.tts.render`). Pitch is the voice's own."""

    sample_rate_hz = 24_000
    languages = frozenset({"zh", "en"})

    def __init__(self, folder: Path, voice: str = _DEFAULT_VOICE) -> None:
        """Load the network and one voice from `folder`. Raises `ModelError` if it cannot be loaded."""
        self._run_options = giving_back()
        try:
            vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
            with np.load(folder / "voices_ja.npz") as voices:
                self._styles = _styles(dict(voices), voice)
            self._session = open_session(folder / "kokoro.onnx")
        except ConfigError:
            raise
        except Exception as error:  # onnxruntime raises a dozen types of its own, without a common base
            raise ModelError(
                f"The voice in {folder} cannot be loaded: {error}", remedy="Run: assistant models verify kokoro-zh"
            ) from error
        self._vocabulary: dict[str, int] = vocabulary["vocab"]
        self._pace_s = 0.0
        """Seconds of work a token, of late."""
        self._made_with = f"kokoro without full stops, {_digests(folder)}, {voice}"

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> KokoroSynthesizer:
        return cls(models.path("kokoro-zh"))

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        """One block a piece."""
        for piece in pieces(sentence, _FIRST_PIECE, _LONGEST_PIECE):
            samples = self._infer(_phonemes(_without_full_stop(piece), language), style.rate)
            if len(samples):
                yield samples

    def fingerprint(self, text: str, language: str) -> str:
        """Its files, its voice and the text's phonemes."""
        return f"{self._made_with}, {_phonemes(text, language)}"

    def unfinished(self, text: str, language: str, rate: float) -> AudioArray:
        """Cut out of a longer sentence: by themselves, a few syllables come out less clearly."""
        begun = _phonemes(text + _GOES_ON[0], language)
        whole = _phonemes(text + _GOES_ON, language)
        samples = trimmed(self._infer(whole, rate), self.sample_rate_hz)
        share = len(self._tokens(begun)) / len(self._tokens(whole))
        cut = until_pause(samples, self.sample_rate_hz, share)
        return self._infer(begun, rate) if cut is None else cut

    def takes_s(self, sentence: str, language: str) -> float:
        """By its first piece; 0 as long as nothing was said."""
        return self._pace_s * (
            len(self._tokens(_phonemes(pieces(sentence, _FIRST_PIECE, _LONGEST_PIECE)[0], language))) + _SILENCE_TOKENS
        )

    def _tokens(self, phonemes: str) -> list[int]:
        return [self._vocabulary[symbol] for symbol in phonemes if symbol in self._vocabulary][:_MAX_TOKENS]

    def _infer(self, phonemes: str, rate: float) -> AudioArray:
        tokens = self._tokens(phonemes)
        if not tokens:
            return np.zeros(0, np.float32)
        feeds = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            # The style depends on the length: row n is for n + 1 tokens.
            "style": self._styles[len(tokens) - 1].astype(np.float32),
            "speed": np.array([rate], np.float32),
        }
        began_s = time.perf_counter()
        samples: AudioArray = self._session.run(["audio"], feeds, self._run_options)[0].ravel()
        pace_s = (time.perf_counter() - began_s) / (len(tokens) + _SILENCE_TOKENS)
        self._pace_s = (self._pace_s + pace_s) / 2 if self._pace_s else pace_s
        if not np.isfinite(samples).all():  # onnxruntime 1.21 to 1.24 on processors with AMX
            raise StageError(
                f"Kokoro computed what is no sound, with onnxruntime {ort.__version__}.",
                remedy="Install onnxruntime 1.20.1 or, with Python 3.11 or newer, 1.25 or newer.",
            )
        return samples


def _without_full_stop(piece: str) -> str:
    return piece.removesuffix(_FULL_STOP) if spoken_length(piece) >= _FIRST_PIECE else piece


def _digests(folder: Path) -> str:
    """What tells this model's files from another's, as the store has recorded them; none of that elsewhere."""
    record = read_record(folder)
    return " ".join(file.sha256 for _, file in sorted(record.files.items())) if record is not None else ""


def _styles(voices: dict[str, npt.NDArray[np.float32]], voice: str) -> npt.NDArray[np.float32]:
    try:
        return voices[voice]
    except KeyError:
        raise ConfigError(
            f"Kokoro has no voice '{voice}'.", remedy=f"Use one of: {', '.join(sorted(voices))}."
        ) from None


def _phonemes(text: str, language: str) -> str:
    return phonemes_from_english(text) if language == "en" else phonemes_from_chinese(text, phonemes_from_english)
