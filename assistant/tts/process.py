"""Speaking as the pipeline uses it: sentences in, blocks of speech out, whatever becomes of the engine.

The engine runs in a child process, because speech libraries hang and crash. When one does, the process is killed and
the sentence is said by the fallback voice. All waiting for the child happens on one `Worker` thread.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from assistant.config import Config
from assistant.errors import StageError
from assistant.events import AudioArray
from assistant.ports import SpeakingStyle
from assistant.tts import SAMPLE_RATE_HZ, SYNTHESIZERS
from assistant.tts.child import ChildFailedError, SpeechChild
from assistant.tts.finishing import has_words
from assistant.worker import Worker

_STRIKES = 2
"""An engine that failed so often in a row is not tried again: each try costs the listener a wait."""


class SpeechProcess:
    """The voices. One sentence is synthesised at a time; who asks for another meanwhile waits."""

    def __init__(
        self,
        config: Config,
        models_root: Path | None = None,
        *,
        registry: Mapping[str, str] = SYNTHESIZERS,
        on_failure: Callable[[StageError], None] | None = None,
    ) -> None:
        """`on_failure` is told, on the event loop, whenever an engine failed, also where the fallback took over."""
        self._config = config
        self._configuration = {
            "kind": "configure",
            "generation": 0,
            "config": config.model_dump(mode="json"),
            "models_root": str(models_root) if models_root else None,
            "registry": dict(registry),
        }
        self._on_failure = on_failure or (lambda _: None)
        self._worker = Worker("voice", timeout_s=3 * config.tts.timeout_s + 10)
        self._one_at_a_time = anyio.Semaphore(1)
        self._generations = itertools.count(1)
        self._strikes: Counter[str] = Counter()
        self._child: SpeechChild | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process number, None while there is none."""
        return self._child.pid if self._child and self._child.running else None

    async def start(self) -> None:
        """Start the child and let it load the voices of `tts.preload`; returns before they are loaded."""
        for language in self._config.tts.preload:
            await self._worker.run(self._ask, "warm", next(self._generations), self._engines(language)[0], {})

    async def warm(self, language: str) -> None:
        """Load the voice of `language`, so that its first sentence comes without that wait. Raises `StageError`."""
        engine = self._engines(language)[0]
        async with self._one_at_a_time:
            generation = next(self._generations)
            try:
                await self._worker.run(self._ask, "warm", generation, engine, {})
                await self._worker.run(self._next, generation)
            except (ChildFailedError, StageError) as error:
                raise _failure_of(engine, error) from error

    async def speak(
        self, sentence: str, language: str, style: SpeakingStyle
    ) -> AsyncGenerator[tuple[AudioArray, int], None]:
        """Blocks of speech, float32 (n,) mono in [-1, 1], each with its sample rate; none for text without words.

        Ending the iteration early stops the work on the sentence. When the engine fails, the fallback says the whole
        sentence. Raises `StageError` when that fails too.
        """
        if not has_words(sentence):
            return
        details = {"text": sentence, "language": language, "style": self._style(style)}
        async with self._one_at_a_time:
            failures = []
            for engine in self._engines(language):
                generation = next(self._generations)
                finished = False
                try:
                    await self._worker.run(self._ask, "speak", generation, engine, details)
                    while (samples := await self._worker.run(self._next, generation)) is not None:
                        yield samples, SAMPLE_RATE_HZ
                    finished = True
                    self._strikes.pop(engine, None)
                    return
                except (ChildFailedError, StageError) as error:
                    failures.append(_failure_of(engine, error))
                    self._strikes[engine] += 1
                    self._on_failure(failures[-1])
                finally:
                    if not finished:
                        self._cancel(generation)
            raise StageError(
                " ".join(failure.message for failure in failures),
                remedy=next((failure.remedy for failure in failures if failure.remedy), None),
            )

    async def close(self) -> None:
        """End the child; safe to call twice."""
        self._closed = True
        if self._child:
            self._child.kill()
        self._worker.close()

    def _engines(self, language: str) -> list[str]:
        """The engine for a language and its fallback."""
        tts = self._config.tts
        engine = tts.zh if language == "zh" else tts.en
        if tts.fallback in ("none", engine):
            return [engine]
        return [tts.fallback] if self._strikes[engine] >= _STRIKES else [engine, tts.fallback]

    def _style(self, style: SpeakingStyle) -> dict[str, Any]:
        rate = min(max(style.rate * self._config.tts.rate, 0.5), 2.0)
        return dataclasses.asdict(dataclasses.replace(style, rate=rate))

    def _cancel(self, generation: int) -> None:
        if self._child:
            with contextlib.suppress(ChildFailedError):
                self._child.send({"kind": "cancel", "generation": generation})

    # The rest runs on the worker's thread.

    def _ask(self, kind: str, generation: int, engine: str, details: Mapping[str, Any]) -> None:
        if self._closed:
            raise StageError("The voices have been closed.")
        if not (self._child and self._child.running):
            if self._child:
                self._child.kill()
            self._child = SpeechChild(self._configuration)
        self._child.send({"kind": kind, "generation": generation, "engine": engine, **details})

    def _next(self, generation: int) -> AudioArray | None:
        """The next block of a request, None after its last. Replies to requests of before are dropped."""
        assert self._child is not None
        while True:
            header, payload = self._child.receive(self._config.tts.timeout_s)
            if header["generation"] != generation:
                continue
            if header["kind"] == "failed":
                raise StageError(header["message"], remedy=header["remedy"])
            return np.frombuffer(payload, np.float32) if header["kind"] == "audio" else None


def _failure_of(engine: str, error: Exception) -> StageError:
    if isinstance(error, StageError):
        return error
    return StageError(
        f"The voice '{engine}' failed: {error}.", remedy="Another voice can be chosen in the tts section."
    )
