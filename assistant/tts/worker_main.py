"""The speech process: `python -m assistant.tts.worker_main`, started by `assistant.tts.process` and by nobody else.

It reads requests from its standard input and answers on its standard output (see `assistant.tts.wire`). It ends when
its input does, that is when the assistant ends, however that happened.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from assistant.config import Config
from assistant.errors import AssistantError, StageError
from assistant.heap import trim_heap
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle, Synthesizer
from assistant.registry import resolve
from assistant.tts.finishing import speech
from assistant.tts.wire import Header, packed, read_frame


class Inbox:
    """Requests in order; a cancel overtakes them."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._requests: queue.SimpleQueue[Header] = queue.SimpleQueue()
        self._cancelled = -1

    def listen(self) -> None:
        """Take requests until the input ends, then end the process: nobody is left to hear it."""
        try:
            while True:
                header, _ = read_frame(self._read)
                if header["kind"] == "cancel":
                    self._cancelled = max(self._cancelled, header["generation"])
                else:
                    self._requests.put(header)
        finally:
            os._exit(0)

    def next(self) -> Header:
        """The next request."""
        return self._requests.get()

    def cancelled(self, generation: int) -> bool:
        """Whether this request is not wanted any more."""
        return generation <= self._cancelled

    def _read(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) < size:
            raise EOFError
        return data


class Voices:
    """The engines of this process, each loaded when it is first wanted."""

    def __init__(self, configuration: Header) -> None:
        self._config = Config.model_validate(configuration["config"])
        root = configuration["models_root"]
        self._models = ModelStore(Path(root) if root else None)
        self._registry: dict[str, str] = configuration["registry"]
        self._loaded: dict[str, Synthesizer] = {}

    def get(self, engine: str) -> Synthesizer:
        """The engine of that name. Raises `AssistantError` when it cannot be loaded."""
        if engine not in self._loaded:
            self._loaded[engine] = resolve(self._registry, engine, kind="voice").create(self._config, self._models)
        return self._loaded[engine]


_KILLED_BEFORE_THE_ASSISTANT = "300"
"""`oom_score_adj`: this process is replaced within a sentence, the other one hears and sees."""


def main() -> None:
    """Serve until the input ends."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_KILLED_BEFORE_THE_ASSISTANT)
    # Ctrl-C is for the assistant, which ends this process by closing its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = _private_stdout()
    inbox = Inbox(io.BufferedReader(io.FileIO(0)))
    threading.Thread(target=inbox.listen, name="requests", daemon=True).start()
    voices = Voices(inbox.next())
    while True:
        request = inbox.next()
        generation = request["generation"]
        try:
            _serve(request, voices, inbox, output)
            reply = {"kind": "done", "generation": generation}
        except AssistantError as error:
            reply = _failed(generation, error.message, error.remedy, error.exit_code)
        except Exception as error:  # whatever a speech library raises; the sentence fails, the process goes on
            message = f"The voice '{request['engine']}' failed: {type(error).__name__}: {error}"
            reply = _failed(generation, message, None, StageError.exit_code)
        output.write(packed(reply))
        output.flush()
        # Now that nobody waits: what a sentence leaves behind adds up to 60 MB.
        trim_heap()


def _failed(generation: int, message: str, remedy: str | None, exit_code: int) -> Header:
    return {
        "kind": "failed",
        "generation": generation,
        "message": message,
        "remedy": remedy,
        "exit_code": exit_code,
    }


def _serve(request: Header, voices: Voices, inbox: Inbox, output: BinaryIO) -> None:
    generation = request["generation"]
    if inbox.cancelled(generation):
        return
    voice = voices.get(request["engine"])
    if request["kind"] == "warm":
        return
    style = SpeakingStyle(**request["style"])
    for block in speech(voice, request["text"], request["language"], style):
        if inbox.cancelled(generation):
            return
        output.write(packed({"kind": "audio", "generation": generation}, block.tobytes()))
        output.flush()


def _private_stdout() -> BinaryIO:
    """The pipe to the assistant, out of reach of libraries that print: their stdout becomes stderr."""
    pipe = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(pipe, "wb", buffering=io.DEFAULT_BUFFER_SIZE)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # the assistant is gone; what is still buffered has no reader
        os._exit(0)
