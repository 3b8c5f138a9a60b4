"""Free conversation through any OpenAI-compatible endpoint: streamed chat completions over plain HTTP.

https://platform.openai.com/docs/api-reference/chat/streaming, as llama.cpp, vLLM and Ollama speak it too. The standard
library's client is enough; its blocking calls run on threads, so that the event loop never waits.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import anyio.to_thread

from assistant.dialogue.thoughts import ThoughtFilter
from assistant.errors import AnsweredError, ConfigError, StageError
from assistant.ports import DialogueTurn

if TYPE_CHECKING:
    from assistant.config import Config, LanguageModelConfig
    from assistant.models.store import ModelStore

T = TypeVar("T")

_MAX_LINE_BYTES = 1 << 20
_MAX_ERROR_BYTES = 300
_REMEDY = "Check dialogue.language_model.url and that the server is running."
_THOUGHTS = ("reasoning_content", "reasoning")
"""Where a server puts thoughts that it tells apart: llama.cpp and DeepSeek, Ollama and vLLM."""
_LANGUAGE_NAMES = {"en": "English", "zh": "Chinese"}


class OpenAiDialogueModel:
    """`DialogueModel` over `POST {url}/chat/completions` with `"stream": true`."""

    def __init__(self, config: LanguageModelConfig) -> None:
        parts = urlsplit(config.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(
                f"dialogue.language_model.url is '{config.url}', which is no http or https address.",
                remedy='Give the base address of the endpoint, such as "http://127.0.0.1:8080/v1".',
            )
        self._config = config
        self._address = parts
        self._path = f"{parts.path.rstrip('/')}/chat/completions"

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> OpenAiDialogueModel:
        """From `dialogue.language_model`. Raises `ConfigError` for an unusable address."""
        return cls(config.dialogue.language_model)

    async def reply(self, turn: DialogueTurn) -> AsyncGenerator[str, None]:
        """The answer's text in the pieces that the server sends, without what the model thinks. Raises `StageError`,
        also after some pieces, and `AnsweredError` after the last one."""
        asked_at_s = time.monotonic()  # the server's time is real, also for a loop in virtual time
        thoughts, thought, spoke = ThoughtFilter(), False, False
        async with contextlib.aclosing(self._deltas(turn)) as deltas:
            async for content, thought_apart in deltas:
                if piece := thoughts.feed(content):
                    spoke = spoke or not piece.isspace()
                    yield piece
                thought = thought or thought_apart or thoughts.has_thought
                if not spoke and time.monotonic() - asked_at_s > self._config.timeout_s:
                    raise self._only_thought() if thought else self._too_slow()
        if rest := thoughts.flush():
            yield rest
        elif thought and not spoke:
            raise self._only_thought()
        if thoughts.thought_aloud:
            raise AnsweredError(
                "The language model's thoughts were said aloud: they ended in '</think>' and had no beginning.",
                remedy="Turn on the server's reasoning parser (llama.cpp: --reasoning-format auto; vLLM: "
                "--reasoning-parser), or turn thinking off.",
            )

    async def _deltas(self, turn: DialogueTurn) -> AsyncGenerator[tuple[str, bool], None]:
        """What comes line by line, as `_delta` reads it. Raises `StageError`."""
        connection = self._connection()
        response: http.client.HTTPResponse | None = None
        link: socket.socket | None = None
        try:
            await self._blocking(connection.connect)
            link = connection.sock
            response = await self._blocking(self._ask, connection, turn)
            while True:
                line = await self._blocking(response.readline, _MAX_LINE_BYTES)
                if not line or line.strip() == b"data: [DONE]":
                    return
                yield _delta(line)
        finally:
            # Shutting down first wakes a thread that still reads; closing alone would wait for it.
            if link is not None:
                with contextlib.suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)
            if response is not None:
                response.close()
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        secure = self._address.scheme == "https"
        make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return make(self._address.hostname or "", self._address.port, timeout=self._config.timeout_s)

    def _ask(self, connection: http.client.HTTPConnection, turn: DialogueTurn) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if self._config.api_key:
            headers["Authorization"] = f"Bearer {self._config.api_key}"
        body = {"model": self._config.model, "stream": True, "messages": _messages(turn)}
        connection.request("POST", self._path, json.dumps(body), headers)
        response = connection.getresponse()
        if response.status != http.client.OK:
            with response:
                detail = response.read(_MAX_ERROR_BYTES).decode("utf-8", "replace").strip()
            raise StageError(
                f"The language model answered with HTTP status {response.status}: {detail or response.reason}",
                remedy=_REMEDY,
            )
        return response

    async def _blocking(self, call: Callable[..., T], *args: object) -> T:
        """Run a blocking call on a thread; a cancelled one is abandoned. Raises `StageError` for whatever fails."""
        try:
            return await anyio.to_thread.run_sync(call, *args, abandon_on_cancel=True)
        except TimeoutError:
            raise self._too_slow() from None
        except (OSError, http.client.HTTPException) as error:
            raise StageError(
                f"The language model at {self._config.url} cannot be reached: {error!r}.", remedy=_REMEDY
            ) from error

    def _too_slow(self) -> StageError:
        return StageError(
            f"The language model sent nothing for {self._config.timeout_s:g} s.",
            remedy="Raise dialogue.language_model.timeout_s or use a smaller model.",
        )

    def _only_thought(self) -> StageError:
        return StageError(
            "The language model only thought, and said nothing.",
            remedy="Turn thinking off at the server, use a model that does not think, or raise "
            "dialogue.language_model.timeout_s.",
        )


def _messages(turn: DialogueTurn) -> list[dict[str, str]]:
    messages = [{"role": "system", "content": _system_prompt(turn)}]
    unanswered: list[str] = []
    for person, assistant in turn.history:
        unanswered.append(person)
        if assistant:
            messages += [_said_by_person(unanswered), {"role": "assistant", "content": assistant}]
            unanswered = []
    return [*messages, _said_by_person([*unanswered, turn.text])]


def _said_by_person(texts: list[str]) -> dict[str, str]:
    """One message, however many of their answers nobody heard: many a model's template wants the roles to alternate."""
    return {"role": "user", "content": "\n".join(texts)}


def _system_prompt(turn: DialogueTurn) -> str:
    language = _LANGUAGE_NAMES.get(turn.language, turn.language)
    parts = [
        "You are a voice assistant on a small device. Your answer is spoken aloud: one to three short sentences,",
        f"in {language}, without lists, markup or emoji. Say so when you do not know.",
    ]
    if turn.scene:
        parts.append(f"The camera sees now: {turn.scene}")
    if turn.emotion:
        parts.append(f"The person seems {turn.emotion}; let your tone fit, but do not mention it unless asked.")
    return " ".join(parts)


def _delta(line: bytes) -> tuple[str, bool]:
    """The text in one line of the event stream, empty for lines without any, and whether there are thoughts beside it.
    Raises `StageError` for garbage."""
    text = line.decode("utf-8", "replace").strip()
    if not text or text.startswith((":", "event:", "id:", "retry:")):
        return "", False
    try:
        if not text.startswith("data:"):
            raise ValueError("no 'data:' line")
        message = json.loads(text.removeprefix("data:"))
        if "error" in message:
            raise ValueError(str(message["error"]))
        choices = message["choices"]
        delta = choices[0]["delta"] if choices else {}
        return str(delta.get("content") or ""), any(delta.get(field) for field in _THOUGHTS)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise StageError(
            f"The language model sent what is no chat completion: {text[:80]!r} ({error!r}).",
            remedy="The address must be an OpenAI-compatible endpoint with streaming.",
        ) from error
