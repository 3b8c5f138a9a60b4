"""Speaking as the pipeline uses it: sentences in, blocks of speech out, whatever becomes of the engine.

The engine runs in a child process, because speech libraries hang and crash. When one does, the process is killed and
the sentence is said by the fallback voice. All waiting for the child happens on one `Worker` thread.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio

from assistant.child.process import Child, ChildFailedError, ChildHungError
from assistant.child.wire import Header
from assistant.config import Config
from assistant.errors import StageError
from assistant.events import AudioArray
from assistant.ports import SpeakingStyle
from assistant.tts import SAMPLE_RATE_HZ, SYNTHESIZERS
from assistant.tts.finishing import has_words
from assistant.tts.preloading import Preloading
from assistant.tts.standing import Standing
from assistant.tts.voice_child import VoiceChild
from assistant.worker import Worker

_LOG = logging.getLogger(__name__)
_LOOKS_EVERY_S = 0.5
_COMES_BACK_S = 1.0
"""An engine whose sentence is no longer wanted has this long to notice once the next one is asked for."""
_HANGS = 0.25
"""One that has delivered nothing for this part of `tts.timeout_s` by then is not merely slow: it has failed. People do
not wait for all of it before they ask again."""


class SpeechProcess:
    """The voices. One sentence is synthesised at a time; who asks for another meanwhile waits."""

    def __init__(
        self,
        config: Config,
        models_root: Path | None = None,
        *,
        registry: Mapping[str, str] = SYNTHESIZERS,
        beginnings: Mapping[str, Sequence[str]] | None = None,
        on_failure: Callable[[StageError], None] | None = None,
    ) -> None:
        """`beginnings` are what sentences are likely to begin with, by language; see `rehearse`. `on_failure` is told,
        on the event loop, whenever an engine failed, also where the fallback took over."""
        self._config = config
        configuration = {
            "kind": "configure",
            "generation": 0,
            "config": config.model_dump(mode="json"),
            "models_root": str(models_root) if models_root else None,
            "registry": dict(registry),
            "beginnings": {language: list(texts) for language, texts in (beginnings or {}).items()},
        }
        self._on_failure = on_failure or (lambda _: None)
        self._on_recovery: Callable[[], None] = lambda: None
        self._worker = Worker("voice", timeout_s=3 * config.tts.timeout_s + 10, only_asks=True)
        self._one_at_a_time = anyio.Semaphore(1)
        self._generations = itertools.count(1)
        self._standing = Standing(config.tts, configuration, self._came_back)
        self._voice = VoiceChild(configuration, config.tts.timeout_s)
        self._preloading = Preloading(
            config.tts.preload,
            self.warm,
            on_failure=lambda error: self._on_failure(error),
            on_recovery=self._tell_recovery,
        )
        self._watching: asyncio.Task[None] | None = None

    def report_to(self, on_failure: Callable[[StageError], None], on_recovery: Callable[[], None]) -> None:
        """From now on tell these: `on_recovery` when an engine that had failed spoke again and none of the chosen ones
        is left that has not."""
        self._on_failure, self._on_recovery = on_failure, on_recovery

    @property
    def pid(self) -> int | None:
        """The child's process number, None while there is none."""
        return self._voice.pid

    async def start(self) -> None:
        """Start the child and let it load the voices of `tts.preload`; returns before they are loaded. Called again,
        it gives every engine another chance, so that whoever is told now hears of one that is still broken."""
        self._give_up_background()
        self._preloading.lost = False
        self._preloading.begin()
        self._watching = asyncio.create_task(self._watch(), name="watch over the voices")

    async def warm(self, language: str) -> None:
        """Load the voice of `language`, so that its first sentence comes without that wait. Raises `StageError`."""
        self._preloading.note(language)
        async with self._one_at_a_time:
            engine = self._standing.engines(language)[0]
            try:
                await self._have_done("warm", engine, language)
            except (ChildFailedError, StageError) as error:
                raise self._strike(engine, error) from error

    async def rehearse(self, language: str) -> int:
        """Have the voice that was chosen for `language` make one of the beginnings that it lacks, if it is one that
        keeps them, and say how many it lacks then. Who asks for a sentence meanwhile waits. Raises `StageError`, also
        while the voice is left alone. Nobody was to hear it, so that does not count against the voice."""
        async with self._one_at_a_time:
            engine = self._standing.chosen(language)
            try:
                return int((await self._have_done("rehearse", engine, language))["missing"])
            except ChildFailedError as error:
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
        self._preloading.note(language)
        async with self._one_at_a_time:
            await self._free_child()  # first: it may find that an engine hangs
            failures = []
            for engine in self._standing.engines(language):
                generation = next(self._generations)
                finished = False
                try:
                    await self._worker.run(self._voice.ask, "speak", generation, engine, details)
                    while (samples := await self._worker.run(self._voice.next)) is not None:
                        yield samples, SAMPLE_RATE_HZ
                    finished = True
                    if self._standing.spoke(engine):
                        self._tell_recovery()
                    return
                except (ChildFailedError, StageError) as error:
                    failures.append(self._strike(engine, error))
                    self._on_failure(failures[-1])
                finally:
                    if not finished:
                        self._voice.cancel(generation)
            failed = StageError(
                " ".join(failure.message for failure in failures),
                remedy=next((failure.remedy for failure in failures if failure.remedy), None),
            )
            failed.exit_code = failures[0].exit_code
            raise failed

    async def close(self) -> None:
        """End the child; safe to call twice."""
        if self._voice.closed:
            return
        self._voice.closed = True
        given_up = self._give_up_background()
        self._voice.signal_death()
        await self._worker.end_with(self._voice.end)
        if given_up:
            await asyncio.wait(given_up)  # a trial ends its process

    def _give_up_background(self) -> list[asyncio.Task[None]]:
        if self._watching is not None:
            self._watching.cancel()
        own = [task for task in (self._preloading.give_up(), self._watching) if task is not None]
        return [*own, *self._standing.forgive()]

    async def _watch(self) -> None:
        """Have a process that died replaced, also while nobody speaks: the next reply is not to wait for its voices."""
        while True:
            await anyio.sleep(_LOOKS_EVERY_S)
            if self._voice.dead is not None:
                async with self._one_at_a_time:
                    self._note_death()
            self._preloading.begin_if_lost()

    def _note_death(self) -> None:
        """Tell of a process that died while it was asked for nothing."""
        if (dead := self._voice.dead) is not None and not self._voice.closed:
            why = dead.ending()
            self._let_go_of(dead)
            self._preloading.lost = True
            self._on_failure(StageError(f"The process of the voices failed: {why}.", remedy="It is started anew."))

    def _let_go_of(self, child: Child | None) -> None:
        if child is not None:
            self._voice.let_go(child)
            self._worker.begin(child.kill)  # there, for it may be reading what this closes

    def _strike(self, engine: str, error: Exception) -> StageError:
        """Count a failure of an engine; the result is what to say of it. Raises `StageError` once the voices have been
        closed, which is what failed then."""
        if self._voice.closed:
            raise StageError("The voices have been closed.") from error
        self._voice.forget_hang()
        self._let_go_of(self._voice.dead)
        failure = _failure_of(engine, error)
        self._standing.failed(engine, failure.exit_code)
        return failure

    def _tell_recovery(self) -> None:
        """Whoever hears of recoveries is told when no voice that was chosen fails any more."""
        if not self._preloading.lost and self._standing.all_speak:
            self._on_recovery()

    async def _came_back(self, engine: str) -> None:
        async with self._one_at_a_time:
            await self._free_child()
            self._let_go_of(self._voice.child)  # what is left of the engine in this one may fail for ever
        if self._standing.works(engine):
            self._tell_recovery()
        self._preloading.begin()

    async def _have_done(self, kind: str, engine: str, language: str) -> Header:
        """Ask an engine for what makes no sound; what it tells in the end. Raises `ChildFailedError`, `StageError`."""
        await self._free_child()
        await self._worker.run(self._voice.ask, kind, next(self._generations), engine, {"language": language})
        return await self._worker.run(self._voice.reply)

    async def _free_child(self) -> None:
        """Wait until the child has done with what is not wanted any more; one that hangs is killed. What is no sentence
        cannot be broken off, and takes what it takes."""
        if self._voice.closed:
            raise StageError("The voices have been closed.")
        hung: ChildHungError | None = None
        waits_s = self._config.tts.timeout_s if self._voice.speaks is None else _COMES_BACK_S
        with anyio.move_on_after(waits_s) as waiting:
            hung = await self._worker.run(self._voice.settle)
        if waiting.cancelled_caught and self._voice.signal_death():
            _LOG.warning("A voice hangs in a sentence that was interrupted; its process is started anew.")
            hung = await self._worker.run(self._voice.settle)
            silent_s = self._voice.silent_s
            if hung is None and silent_s >= _HANGS * self._config.tts.timeout_s:
                hung = ChildHungError(f"it delivered nothing for {silent_s:.1f} s and was killed")
            if hung is None:
                self._let_go_of(self._voice.child)
        if hung is not None and self._voice.speaks is not None:
            self._on_failure(self._strike(self._voice.speaks, hung))
        self._note_death()

    def _style(self, style: SpeakingStyle) -> dict[str, Any]:
        rate = min(max(style.rate * self._config.tts.rate, 0.5), 2.0)
        return dataclasses.asdict(dataclasses.replace(style, rate=rate))


def _failure_of(engine: str, error: Exception) -> StageError:
    if isinstance(error, StageError):
        return error
    return StageError(
        f"The voice '{engine}' failed: {error}.", remedy="Another voice can be chosen in the tts section."
    )
