"""A sentence synthesised before it is certain that it will be said.

Nothing of it is heard unless the very same sentence is asked for, in the same language and a style that sounds the
same; then whatever has been made by that time is there at once, and the rest comes as it is made.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import anyio

from assistant.errors import StageError
from assistant.events import AudioArray
from assistant.ports import SpeakingStyle

Block: TypeAlias = tuple[AudioArray, int]

_INAUDIBLE = 0.02
"""Rates, pitches and volumes that differ by no more sound the same: how sure the assistant is of a mood changes with
every word that it hears."""


class Voices(Protocol):
    """What synthesises: `assistant.tts.process.SpeechProcess`, or a double."""

    def speak(self, sentence: str, language: str, style: SpeakingStyle) -> AsyncGenerator[Block, None]:
        """Blocks of speech (n,) and their sample rate. Raises `StageError`."""


@dataclass(slots=True, eq=False)
class _Ahead:
    sentence: str
    language: str
    style: SpeakingStyle
    blocks: list[Block] = field(default_factory=list)
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    changed: anyio.Event = field(default_factory=anyio.Event)
    done: bool = False
    error: StageError | None = None

    def sounds_like(self, sentence: str, language: str, style: SpeakingStyle) -> bool:
        differences = (
            self.style.rate - style.rate,
            self.style.pitch - style.pitch,
            self.style.volume - style.volume,
        )
        same_words = (self.sentence, self.language) == (sentence, language)
        return same_words and max(map(abs, differences)) <= _INAUDIBLE

    def notify(self) -> None:
        self.changed.set()
        self.changed = anyio.Event()


class VoicesAhead:
    """`Voices` that may be told in advance what will probably be said."""

    def __init__(self, voices: Voices) -> None:
        self._voices = voices
        self._ahead: _Ahead | None = None

    async def prepare(self, sentence: str, language: str, style: SpeakingStyle) -> None:
        """Synthesise a sentence in advance; returns when it is done or discarded."""
        self.discard()
        ahead = self._ahead = _Ahead(sentence, language, style)
        try:
            with ahead.scope:
                async with aclosing(self._voices.speak(sentence, language, style)) as blocks:
                    async for block in blocks:
                        ahead.blocks.append(block)
                        ahead.notify()
        except StageError as error:
            ahead.error = error  # told by whoever asks for the sentence, if anyone does
        finally:
            ahead.done = True
            ahead.notify()

    def discard(self) -> None:
        """What was prepared will not be said."""
        if self._ahead is not None:
            self._ahead.scope.cancel()
            self._ahead = None

    async def speak(self, sentence: str, language: str, style: SpeakingStyle) -> AsyncGenerator[Block, None]:
        """Blocks of speech and their sample rate, prepared or made now. Raises `StageError`."""
        ahead = self._ahead
        if ahead is None or not ahead.sounds_like(sentence, language, style):
            self.discard()
            async with aclosing(self._voices.speak(sentence, language, style)) as blocks:
                async for block in blocks:
                    yield block
            return
        self._ahead = None
        try:
            given = 0
            while True:
                while given < len(ahead.blocks):
                    yield ahead.blocks[given]
                    given += 1
                if ahead.done:
                    break
                await ahead.changed.wait()
            if ahead.error is not None:
                raise ahead.error
        finally:
            ahead.scope.cancel()
