"""A recogniser that runs in a process of its own, as the pipeline uses it."""

from __future__ import annotations

import itertools
import weakref
from typing import Any

import numpy as np

from assistant.asr.process import RecognizerProcess
from assistant.audio import SAMPLE_RATE_HZ
from assistant.errors import ConfigError
from assistant.events import AudioArray
from assistant.ports import Recognition

_numbers = itertools.count(1)


class RemoteRecognizer:
    """`assistant.ports.Recognizer` of a process that is loaded."""

    def __init__(self, process: RecognizerProcess) -> None:
        self.process = process
        self.languages = process.languages
        self.streams_partials = process.streams_partials
        self.ended: list[int] = []
        """Numbers of the streams that nobody has any more, of which the process is yet to be told."""

    def open(self, language: str | None) -> RemoteStream:
        """Begin an utterance. Raises `ConfigError` for a language that it does not know."""
        if language is not None and language not in self.languages:
            raise ConfigError(
                f"The recogniser was asked for '{language}' but knows only: {', '.join(sorted(self.languages))}.",
                remedy="Set asr.language, asr.languages or asr.model.",
            )
        return RemoteStream(self, language)

    def close(self) -> None:
        """Nothing to free: the process goes on for the next one, and is ended by whoever started it."""


class RemoteStream:
    """One utterance. What nobody wants partials of is sent when the result is asked for, each sample once."""

    def __init__(self, recognizer: RemoteRecognizer, language: str | None) -> None:
        self._recognizer = recognizer
        self._language = language
        self._number = next(_numbers)
        self._unsent: list[AudioArray] = []
        self._samples = 0
        self._result: Recognition | None = None
        weakref.finalize(self, recognizer.ended.append, self._number)

    def accept(self, samples: AudioArray) -> str | None:
        """Take the next 16 kHz samples; a new partial text if it streams, else None. Raises `StageError`."""
        if not samples.size:
            return None
        self._unsent.append(samples)
        self._samples += samples.size
        self._result = None
        return self._ask("partial")["text"] if self._recognizer.streams_partials else None

    def result(self, *, over_reply: bool = False) -> Recognition:
        """What has been said so far; asked for anew only after more samples. Raises `StageError`."""
        if self._result is None:
            reply = self._ask("result", over_reply=over_reply)
            text, language, perhaps = reply["text"], reply["language"], tuple(reply["perhaps"])
            self._result = Recognition(text, language, reply["confidence"], perhaps)
        return self._result

    def _ask(self, wants: str, *, over_reply: bool = False) -> dict[str, Any]:
        recognizer, process = self._recognizer, self._recognizer.process
        ended = [recognizer.ended.pop() for _ in range(len(recognizer.ended))]
        unsent, self._unsent = self._unsent, []
        payload = np.concatenate(unsent).astype(np.float32, copy=False).tobytes() if unsent else b""
        request = {
            "kind": "hear",
            "stream": self._number,
            "language": self._language,
            "wants": wants,
            "over_reply": over_reply,
            "ended": ended,
        }
        return process.ask(request, payload, process.asr.patience_s(self._samples / SAMPLE_RATE_HZ))
