"""The speech process: `python -m assistant.tts.worker_main`, started by `assistant.tts.process` and by nobody else.

Requests, all with a `generation` that rises with each:
    configure (config, models_root, registry, beginnings) · warm (engine) · rehearse (engine, language) ·
    speak (engine, text, language, style) · cancel
Replies, with the generation of their request:
    audio (bytes) · done (missing, of a rehearsal) · failed
A cancel stops its own generation and all before it; the reply of a cancelled sentence is still a `done`.
"""

from __future__ import annotations

from pathlib import Path

from assistant.child.serving import Inbox, Outbox, begin_serving
from assistant.child.wire import Header, failed
from assistant.config import Config
from assistant.errors import AssistantError, StageError
from assistant.heap import trim_heap
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle, Synthesizer
from assistant.registry import resolve
from assistant.tts.finishing import speech
from assistant.tts.rehearsed import RehearsedVoice, rehearsed


class Voices:
    """The engines of this process, each loaded when it is first wanted."""

    def __init__(self, configuration: Header) -> None:
        self._config = Config.model_validate(configuration["config"])
        root = configuration["models_root"]
        self._models = ModelStore(Path(root) if root else None)
        self._registry: dict[str, str] = configuration["registry"]
        self._beginnings: dict[str, list[str]] = configuration["beginnings"]
        self._loaded: dict[str, Synthesizer] = {}

    def get(self, engine: str) -> Synthesizer:
        """The engine of that name. Raises `AssistantError` when it cannot be loaded."""
        if engine not in self._loaded:
            voice = resolve(self._registry, engine, kind="voice").create(self._config, self._models)
            self._loaded[engine] = rehearsed(voice, self._beginnings, self._config.tts.rate)
        return self._loaded[engine]


def main() -> None:
    """Serve until the input ends."""
    inbox, outbox = begin_serving()
    voices = Voices(inbox.next()[0])
    while True:
        request, _ = inbox.next()
        try:
            reply: Header = {"kind": "done", **_serve(request, voices, inbox, outbox)}
        except AssistantError as error:
            reply = failed(error)
        except Exception as error:  # whatever a speech library raises; the sentence fails, the process goes on
            message = f"The voice '{request['engine']}' failed: {type(error).__name__}: {error}"
            reply = failed(StageError(message))
        outbox.send({**reply, "generation": request["generation"]})
        # Now that nobody waits: what a sentence leaves behind adds up to 60 MB.
        trim_heap()


def _serve(request: Header, voices: Voices, inbox: Inbox, outbox: Outbox) -> Header:
    """Do what is asked; what the last reply tells of it."""
    generation = request["generation"]
    if inbox.cancelled(generation):
        return {}
    voice = voices.get(request["engine"])
    if request["kind"] == "warm":
        return {}
    if request["kind"] == "rehearse":
        return {"missing": voice.rehearse(request["language"]) if isinstance(voice, RehearsedVoice) else 0}
    style = SpeakingStyle(**request["style"])
    for block in speech(voice, request["text"], request["language"], style):
        if inbox.cancelled(generation):
            break
        outbox.send({"kind": "audio", "generation": generation}, block.tobytes())
    return {}


if __name__ == "__main__":
    main()
