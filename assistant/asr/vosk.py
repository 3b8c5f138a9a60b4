"""Vosk: Kaldi models that recognise while the person is still speaking.

One model a language, which its manifest names.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import vosk

from assistant.asr.engine import check_engine
from assistant.config import Config
from assistant.errors import ConfigError, ModelError, StageError
from assistant.events import AudioArray
from assistant.han import HAN_RANGE
from assistant.kept import KEPT, file_identity
from assistant.ports import Recognition

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

SAMPLE_RATE_HZ = 16000
_UNKNOWN_WORDS = frozenset({"[unk]", "<unk>"})
_BETWEEN_HAN = re.compile(f"(?<=[{HAN_RANGE}]) +(?=[{HAN_RANGE}])")


class VoskRecognizer:
    """A Kaldi model of one language, with partial results."""

    streams_partials = True

    def __init__(self, folder: Path, language: str) -> None:
        """Load the model in `folder`. Raises `ModelError` when Vosk refuses it."""
        vosk.SetLogLevel(-1)
        try:
            self._model: vosk.Model | None = KEPT.get(
                "recogniser", ("vosk", folder, file_identity(folder)), partial(vosk.Model, model_path=str(folder))
            )
        except Exception as error:  # Vosk raises the bare class
            raise ModelError(
                f"The recogniser's model in {folder} cannot be loaded: {error}.",
                remedy="Check it with: assistant models verify",
            ) from error
        self.language = language
        self.languages = frozenset({language})

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> VoskRecognizer:
        """Load the model that `config.asr.model` names. Raises `ModelMissingError` when it has not been pulled and
        `ConfigError` when it is no Vosk model or does not speak `config.asr.language`."""
        manifest = models.manifest(config.asr.model)
        check_engine(manifest, "vosk")
        recognizer = cls(models.path(config.asr.model), manifest.languages[0])
        if config.asr.language != "auto":
            recognizer.open(config.asr.language)
        return recognizer

    def open(self, language: str | None) -> VoskStream:
        """Begin an utterance. Raises `ConfigError` for another language than the model's."""
        if language not in (None, self.language):
            raise ConfigError(
                f"The recogniser was asked for '{language}' but its model knows only '{self.language}'.",
                remedy="Set asr.language or asr.model.",
            )
        return VoskStream(vosk.KaldiRecognizer(self._model, SAMPLE_RATE_HZ), self.language)

    def close(self) -> None:
        """Free the model once its last stream is gone; safe to call twice."""
        self._model = None


class VoskStream:
    """One utterance. Vosk ends segments by itself at longer silences; their texts are joined here."""

    def __init__(self, recognizer: vosk.KaldiRecognizer, language: str) -> None:
        recognizer.SetWords(True)
        self._recognizer = recognizer
        self._language = language
        self._segments: list[_Segment] = []
        self._partial = ""
        self._result = Recognition("", language, 0.0)
        self._fresh = False

    def accept(self, samples: AudioArray) -> str | None:
        """Take the next 16 kHz samples; all text so far when it changed, else None. Raises `StageError`."""
        if not samples.size:
            return None
        self._fresh = True
        pcm = (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
        try:
            ended = self._recognizer.AcceptWaveform(pcm)
        except Exception as error:  # Vosk raises the bare class
            raise StageError(f"Vosk could not process {samples.size} samples: {error}.") from error
        current = ""
        if ended:
            self._keep(self._recognizer.Result())
        else:
            current = _clean(json.loads(self._recognizer.PartialResult())["partial"])
        text = self._joined(current)
        if text == self._partial:
            return None
        self._partial = text
        return text

    def result(self, *, over_reply: bool = False) -> Recognition:
        """What has been said so far; the words after it are recognised as a new segment."""
        if self._fresh:
            self._fresh = False
            self._keep(self._recognizer.FinalResult())
            self._partial = self._joined("")
            self._result = Recognition(self._partial, self._language, self._confidence())
        return self._result

    def _keep(self, result: str) -> None:
        segment = _segment(result)
        if segment.text:
            self._segments.append(segment)

    def _joined(self, current: str) -> str:
        return _clean(" ".join([*(segment.text for segment in self._segments), current]))

    def _confidence(self) -> float:
        confidences = [value for segment in self._segments for value in segment.confidences]
        return sum(confidences) / len(confidences) if confidences else 0.0


class _Segment:
    __slots__ = ("confidences", "text")

    def __init__(self, text: str, confidences: list[float]) -> None:
        self.text = text
        self.confidences = confidences


def _segment(result: str) -> _Segment:
    content = json.loads(result)
    words = [word for word in content.get("result", []) if word["word"] not in _UNKNOWN_WORDS]
    return _Segment(_clean(content.get("text", "")), [float(word["conf"]) for word in words])


def _clean(text: str) -> str:
    """Without placeholders for unknown words, and without the spaces that Vosk puts between Chinese words."""
    words = " ".join(word for word in text.split() if word not in _UNKNOWN_WORDS)
    return _BETWEEN_HAN.sub("", words)
