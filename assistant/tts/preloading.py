"""Has the voices loaded of the languages that are spoken: at the start, and again whenever their process has died."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

import anyio

from assistant.errors import StageError
from assistant.han import spoken_language

_RESTS_S = 2.5
"""Least time from one start of a process that was lost to the next; after one that took long the machine is left to
others for as long."""


class Preloading:
    """One load at a time, in a task of its own."""

    def __init__(
        self,
        languages: Sequence[str],
        warm: Callable[[str], Awaitable[None]],
        *,
        on_failure: Callable[[StageError], None],
        on_recovery: Callable[[], None],
    ) -> None:
        """`warm` loads the voice of a language, and raises `StageError`, which `on_failure` is told. `on_recovery` is
        called when a process that was lost has been replaced."""
        self._languages = dict.fromkeys(languages)
        """Those whose voices are to be loaded, also those that were spoken in since the start."""
        self._warm = warm
        self._on_failure, self._on_recovery = on_failure, on_recovery
        self._task: asyncio.Task[None] | None = None
        self._not_before_s = -math.inf
        self.lost = False
        """Whether the process has died since its voices were loaded last, and was not loaded with them again."""

    def note(self, language: str) -> None:
        """The language is spoken."""
        self._languages[spoken_language(language)] = None

    def begin(self) -> None:
        """Load them; a load that goes on is given up."""
        self.give_up()
        self._task = asyncio.create_task(self._load(), name="voices")

    def begin_if_lost(self) -> None:
        """Load them if their process has died, nothing loads them, and it is time."""
        loads = self._task is not None and not self._task.done()
        if self.lost and not loads and anyio.current_time() >= self._not_before_s:
            self.begin()

    def give_up(self) -> asyncio.Task[None] | None:
        """Load nothing any more; the result is the task that is about to end."""
        if self._task is not None:
            self._task.cancel()
        return self._task

    async def _load(self) -> None:
        began_s = anyio.current_time()
        for language in list(self._languages):
            try:
                await self._warm(language)
            except StageError as error:
                self._on_failure(error)
        ended_s = anyio.current_time()
        self._not_before_s = max(began_s + _RESTS_S, ended_s + (ended_s - began_s))
        if self.lost:
            self.lost = False  # an engine that could not be loaded has failed, and is tried
            self._on_recovery()
