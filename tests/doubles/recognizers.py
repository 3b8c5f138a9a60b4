"""Recognisers that hear what the test says they hear."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from assistant.config import Config
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import Recognition


class ScriptedRecognizer:
    """Every utterance is the next of `results`; counts how often it was really asked to decode."""

    streams_partials = False

    def __init__(self, results: Sequence[Recognition], languages: frozenset[str] = frozenset({"en", "zh"})) -> None:
        self.languages = languages
        self.decodings = 0
        self.closed = False
        self._results = iter(results)

    def open(self, language: str | None) -> ScriptedStream:
        return ScriptedStream(self, next(self._results))

    def close(self) -> None:
        self.closed = True


class ScriptedStream:
    def __init__(self, recognizer: ScriptedRecognizer, recognition: Recognition) -> None:
        self._recognizer = recognizer
        self._recognition = recognition
        self._fresh = False

    def accept(self, samples: AudioArray) -> str | None:
        self._fresh = self._fresh or samples.size > 0
        return None

    def result(self, *, over_reply: bool = False) -> Recognition:
        self._recognizer.decodings += self._fresh
        self._fresh = False
        return self._recognition


class OneSentence(ScriptedRecognizer):
    """A backend that hears the same in every utterance; counts how many it was asked about."""

    text: ClassVar[str] = "Hey Jarvis, what time is it?"
    asked: ClassVar[int] = 0

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> OneSentence:
        return cls(())

    def open(self, language: str | None) -> ScriptedStream:
        OneSentence.asked += 1
        return ScriptedStream(self, Recognition(self.text, "en", 0.9))


class KaldiDouble:
    """What Vosk's own recogniser is to `assistant.asr.vosk`: one step of the script a block of sound.

    A step is a partial text, or a finished segment as (word, confidence) pairs. `last` is what the end of the utterance
    still brings.
    """

    def __init__(self, steps: Sequence[str | list[tuple[str, float]]], last: list[tuple[str, float]]) -> None:
        self._steps = iter(steps)
        self._last = last
        self._step: str | list[tuple[str, float]] = ""
        self.blocks: list[bytes] = []

    def SetWords(self, enable: bool) -> None:  # noqa: N802 - Vosk's name
        assert enable

    def AcceptWaveform(self, data: bytes) -> int:  # noqa: N802 - Vosk's name
        self.blocks.append(data)
        self._step = next(self._steps)
        return int(not isinstance(self._step, str))

    def PartialResult(self) -> str:  # noqa: N802 - Vosk's name
        return json.dumps({"partial": self._step})

    def Result(self) -> str:  # noqa: N802 - Vosk's name
        assert not isinstance(self._step, str)
        return _segment(self._step)

    def FinalResult(self) -> str:  # noqa: N802 - Vosk's name
        last, self._last = self._last, []
        return _segment(last)


def _segment(words: list[tuple[str, float]]) -> str:
    if not words:
        return json.dumps({"text": ""})
    result = [{"word": word, "conf": confidence, "start": 0.0, "end": 0.1} for word, confidence in words]
    return json.dumps({"result": result, "text": " ".join(word for word, _ in words)})
