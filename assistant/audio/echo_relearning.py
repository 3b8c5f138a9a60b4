"""Learning again from the first seconds of echo, while they are all there is.

The filter makes the most of an echo only when it has heard it a few times, and what it leaves of the first words that
it ever hears is no measure of what it will leave. So the first frames are kept, and a few of them are learned from
again with each new one, as experience is replayed in other fields of learning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from assistant.audio import FRAME_SAMPLES
from assistant.audio.echo_bands import FramePowers
from assistant.audio.echo_filter import BLOCK, LENGTH, EchoPath
from assistant.events import AudioArray

PLAYED = LENGTH + BLOCK + 2 * FRAME_SAMPLES
"""Samples that were played up to the end of a frame, of which it and the one before it are echoes."""
_MOST_FRAMES = 125
"""Frames that are kept: 4 s of echo, 2.7 MB."""
_AGAIN = 3
"""Frames that are learned from again with each new one."""


@dataclass(frozen=True, slots=True)
class _Echo:
    """A frame and the one before it."""

    heard: AudioArray
    """(1024,)"""
    played: AudioArray
    """Up to their end, (`PLAYED`,)."""


class Relearning:
    """Keeps the first frames of echo."""

    def __init__(self) -> None:
        self._echoes: list[_Echo] = []
        self._last = 0

    @property
    def has_room(self) -> bool:
        """Whether more is to be remembered."""
        return len(self._echoes) < _MOST_FRAMES

    def forget(self) -> None:
        """Enough was learned, or what was played is not heard where it was any more."""
        self._echoes, self._last = [], 0

    def remember(self, heard: AudioArray, played: AudioArray) -> None:
        """Keep a frame with the one before it, (1024,), and what was played up to its end, (`PLAYED`,)."""
        self._echoes.append(_Echo(heard.copy(), played))

    def learn(self, path: EchoPath) -> Iterator[FramePowers]:
        """Have the path learn from the next few again, and tell what it left of each; then it is to be refilled."""
        for _ in range(min(_AGAIN, len(self._echoes) - 1)):
            self._last = (self._last + 1) % len(self._echoes)
            yield _learned_again(self._echoes[self._last], path)


def _learned_again(echo: _Echo, path: EchoPath) -> FramePowers:
    path.refill(echo.played[: LENGTH + BLOCK])
    predicted = np.empty_like(echo.heard)
    for begin in range(0, 2 * FRAME_SAMPLES, BLOCK):
        block = slice(begin, begin + BLOCK)
        predicted[block] = path.predict(echo.played[LENGTH + begin : LENGTH + begin + 2 * BLOCK])
        if begin >= FRAME_SAMPLES:
            path.adapt(echo.heard[block] - predicted[block])
    played = echo.played[-2 * FRAME_SAMPLES :]
    return FramePowers.of(np.stack([echo.heard, echo.heard - predicted, predicted, played]))
