"""Which engine speaks: how each of them has done, and the trials of those that failed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import anyio

from assistant.child.wire import Header
from assistant.config import TtsConfig
from assistant.errors import StageError
from assistant.tts import LANGUAGES, speaks
from assistant.tts.trial import Trial

_STRIKES = 2
"""An engine that failed so often in a row is left alone until it speaks where nobody waits for it."""
_TRIED_AFTER_S, _RELAPSES, _DOUBLINGS = 2.0, 3, 6
"""How soon after a failure that is tried. One that failed people all the same, more than so often after it had spoken
there, fails at their sentences: it is tried twice as late each time, up to so often."""


class Standing:
    """Of the engines that a configuration names."""

    def __init__(self, tts: TtsConfig, configuration: Header, came_back: Callable[[str], Awaitable[None]]) -> None:
        """`configuration` is what the process of a trial is sent. `came_back` is called when an engine has spoken
        there, and says when it `works` for people too."""
        self._tts = tts
        self._configuration = configuration
        self._came_back = came_back
        self._strikes: Counter[str] = Counter()
        self._relapses: Counter[str] = Counter()
        """How often it has spoken in a trial since it last did for people."""
        self._failing: dict[str, int] = {}
        """Those that failed and have not spoken since, be it in a trial, with the exit codes of the newest failures."""
        self._trials: dict[str, asyncio.Task[None]] = {}
        """By engine."""
        self._ending: set[asyncio.Task[None]] = set()
        """Trials that are not wanted any more, until their processes have ended."""

    @property
    def all_speak(self) -> bool:
        """Whether no engine that was chosen fails."""
        return self._failing.keys().isdisjoint((self._tts.en, self._tts.zh))

    def engines(self, language: str) -> list[str]:
        """The engine for a language and its fallback, those of them that speak it. One that is left alone is tried all
        the same where the fallback fails too: a wait is better than silence. Raises `StageError` if none speaks it."""
        engine = self._chosen(language)
        speaking = [each for each in self._candidates(engine, language) if speaks(each, language)]
        if not speaking:
            raise StageError(
                f"The voice '{engine}' does not speak '{language}'.",
                remedy=f"Use one of: {', '.join(each for each in LANGUAGES if speaks(each, language))}.",
            )
        return speaking

    def chosen(self, language: str) -> str:
        """The engine that was chosen for a language. Raises `StageError` while another has to speak in its place,
        with the exit code of why."""
        engine = self._chosen(language)
        if self.engines(language)[0] != engine:
            error = StageError(f"The voice '{engine}' does not speak '{language}' at present.")
            error.exit_code = self._failing.get(engine, error.exit_code)
            raise error
        return engine

    def _chosen(self, language: str) -> str:
        return self._tts.zh if language == "zh" else self._tts.en

    def _candidates(self, engine: str, language: str) -> list[str]:
        fallback = self._tts.fallback
        if fallback in ("none", engine) or not speaks(fallback, language):
            return [engine]
        left_alone = self._strikes[engine] >= _STRIKES and self._is_tried(engine)
        return [fallback] if left_alone and fallback not in self._failing else [engine, fallback]

    def failed(self, engine: str, exit_code: int) -> None:
        """It failed somebody, with an error that has this exit code: from now on it is tried where nobody waits for it,
        unless it is nobody's choice."""
        self._strikes[engine] += 1
        self._failing[engine] = exit_code
        if engine in (self._tts.en, self._tts.zh) and not self._is_tried(engine):
            self._trials[engine] = asyncio.create_task(self._try(engine), name=f"trial of {engine}")

    def spoke(self, engine: str) -> bool:
        """It spoke for somebody; whether it had failed before."""
        self._strikes.pop(engine, None)
        self._relapses.pop(engine, None)
        self._end_trial(engine)
        return self.works(engine)

    def works(self, engine: str) -> bool:
        """It does not fail any more; whether it had failed before."""
        return self._failing.pop(engine, None) is not None

    def forgive(self) -> list[asyncio.Task[None]]:
        """Give all of them another chance. The trials that were going on are about to end."""
        self._strikes.clear()
        self._failing.clear()
        for engine in list(self._trials):
            self._end_trial(engine)
        return list(self._ending)

    def _end_trial(self, engine: str) -> None:
        if trial := self._trials.pop(engine, None):
            trial.cancel()
            self._ending.add(trial)
            trial.add_done_callback(self._ending.discard)

    def _is_tried(self, engine: str) -> bool:
        return engine in self._trials and not self._trials[engine].done()

    async def _try(self, engine: str) -> None:
        """Try an engine until it speaks again in another process."""
        doublings = min(max(0, self._relapses[engine] - _RELAPSES), _DOUBLINGS)
        await anyio.sleep(_TRIED_AFTER_S * 2.0**doublings)
        language = "en" if engine == self._tts.en else "zh"
        await Trial(self._configuration, engine, language, load_timeout_s=self._tts.timeout_s).passed()
        self._relapses[engine] += 1
        await self._came_back(engine)
