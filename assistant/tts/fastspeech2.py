"""FastSpeech 2 and multi-band MelGAN: the Chinese voice. On one core some ten times faster than it speaks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort

from assistant.config import Config
from assistant.errors import ModelError
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle
from assistant.tts.clauses import pieces
from assistant.tts.hibari import HibariSynthesizer
from assistant.tts.mandarin_phones import phones, runs

_FIRST_PIECE = 8
"""Fewest characters of the first piece: two seconds of speech, which are made in a fifth of one."""
_LONGEST_PIECE = 20
"""The network places 2048 frames of 12.5 ms: twice as many characters, at the slowest rate, are 1800."""


class FastSpeech2Synthesizer:
    """Mandarin, female. Words in Latin letters are said by the English voice."""

    sample_rate_hz = 24_000
    languages = frozenset({"zh"})

    def __init__(self, folder: Path) -> None:
        """Load both networks from `folder`. Raises `ModelError` if they cannot be loaded."""
        try:
            symbols = json.loads((folder / "symbols.json").read_text(encoding="utf-8"))
            self._acoustic, self._vocoder = (_session(folder / name) for name in ("fastspeech2.onnx", "melgan.onnx"))
        except Exception as error:  # onnxruntime raises a dozen types of its own, without a common base
            raise ModelError(
                f"The voice in {folder} cannot be loaded: {error}", remedy="Run: assistant models verify fastspeech2-zh"
            ) from error
        self._ids: dict[str, int] = symbols["symbol_to_id"]
        self._syllables: dict[str, list[str]] = symbols["pinyin_dict"]
        # Buffers grow with the longest sentence so far; they are given back after each one.
        self._run_options = ort.RunOptions()
        self._run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self._english: HibariSynthesizer | None = None
        phones("好", self._syllables)  # reads the dictionary now, not while somebody waits for an answer

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> FastSpeech2Synthesizer:
        return cls(models.path("fastspeech2-zh"))

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        """One block a piece of the sentence and language in it."""
        for piece in pieces(sentence, _FIRST_PIECE, _LONGEST_PIECE):
            for spoken, text in runs(piece):
                if spoken == "en":
                    yield from self._in_english(text, style)
                elif found := phones(text, self._syllables):
                    yield self._infer(found, style.rate)

    def _in_english(self, text: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        self._english = self._english or HibariSynthesizer()
        yield from self._english.synthesize(text, "en", style)

    def _infer(self, phones: list[str], rate: float) -> AudioArray:
        feeds = {
            "tokens": np.array([[self._ids[phone] for phone in phones if phone in self._ids]], np.int32),
            "length_scale": np.array(1 / rate, np.float32),
        }
        mel = self._acoustic.run(["mel"], feeds, self._run_options)[0]
        samples: AudioArray = self._vocoder.run(["audio"], {"mel": mel}, self._run_options)[0]
        return samples


def _session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    # A voice that waits for its next sentence must not burn a core meanwhile.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
