"""The recogniser's process: `python -m assistant.asr.worker_main`, started by `assistant.asr.process` and nobody else.

Requests:
    configure (config, models_root, registry)                   load what it names; what is loaded and fits is kept
    hear (stream, language, wants, over_reply, ended; bytes)    more of an utterance, float32 at 16 kHz
Replies, one a request, in their order:
    ready (languages, streams_partials) · partial (text) · result (text, language, confidence, perhaps) · failed
`stream` is a number that the parent gives an utterance, `ended` are those of which no more will come.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from assistant.child.serving import begin_serving
from assistant.child.wire import Header, failed
from assistant.config import Config
from assistant.errors import AssistantError, StageError
from assistant.heap import share_arenas, trim_heap
from assistant.kept import KEPT
from assistant.models.store import ModelStore
from assistant.ports import Recognizer, RecognizerStream
from assistant.registry import resolve

_TRIMMED_EVERY_S = 5.0
"""At most so often what a decoding leaves behind, up to 20 MB, is given back."""


class Recognition:
    """The recogniser of this process, and the utterances that it is about."""

    def __init__(self) -> None:
        self._recognizer: Recognizer | None = None
        self._streams: dict[int, RecognizerStream] = {}

    def answer(self, request: Header, payload: bytes) -> Header:
        """The reply to a request. Raises whatever a library raises."""
        if request["kind"] == "configure":
            return self._configure(request)
        for number in request["ended"]:
            self._streams.pop(number, None)
        stream = self._stream(request["stream"], request["language"])
        samples = np.frombuffer(payload, np.float32)
        text = stream.accept(samples) if samples.size else None
        if request["wants"] == "partial":
            return {"kind": "partial", "text": text}
        found = stream.result(over_reply=request["over_reply"])
        return {"kind": "result", **asdict(found)}

    def _configure(self, request: Header) -> Header:
        config = Config.model_validate(request["config"])
        self._streams.clear()
        if self._recognizer is not None:  # so that there need not be room for both
            self._recognizer.close()
            self._recognizer = None
        with KEPT.starting():
            backend = resolve(request["registry"], config.asr.backend, kind="recogniser")
            self._recognizer = recognizer = backend.create(config, ModelStore(Path(request["models_root"])))
        trim_heap()
        languages = sorted(recognizer.languages)
        return {"kind": "ready", "languages": languages, "streams_partials": recognizer.streams_partials}

    def _stream(self, number: int, language: str | None) -> RecognizerStream:
        assert self._recognizer is not None
        if number not in self._streams:
            self._streams[number] = self._recognizer.open(language)
        return self._streams[number]


def main() -> None:
    """Serve until the input ends."""
    share_arenas()
    inbox, outbox = begin_serving()
    recognition, trimmed_at_s = Recognition(), time.monotonic()
    with KEPT.keeping():
        while True:
            request, payload = inbox.next()
            try:
                reply = recognition.answer(request, payload)
            except AssistantError as error:
                reply = failed(error)
            except Exception as error:  # a library raises whatever it likes; the utterance fails, the process goes on
                reply = failed(StageError(f"The recogniser failed: {error!r}"))
            outbox.send(reply)
            if time.monotonic() - trimmed_at_s > _TRIMMED_EVERY_S:  # now that nobody waits
                trimmed_at_s = time.monotonic()
                trim_heap()


if __name__ == "__main__":
    main()
