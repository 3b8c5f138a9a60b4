"""Reading aloud what is written before the camera: only when someone asks, on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from assistant.ports import ReadText, TextLine, TextReader
from assistant.registry import resolve
from assistant.vision import TEXT_READERS
from assistant.worker import Worker

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.events import VideoFrame
    from assistant.models.store import ModelStore

_TIMEOUT_S = 30.0
"""Whoever asked waits for it; on a small board it is loaded and has read in ten seconds."""


def open_text_reader(config: Config, models: ModelStore) -> TextReader:
    """The reader that the section `vision` names. Raises `DependencyMissingError` where it is not installed."""
    reader: TextReader = resolve(TEXT_READERS, config.vision.text_reader, kind="text reader").create(config, models)
    return reader


class Reading:
    """Owns the thread, on which a reader is made for each picture and given up: it is large, and seldom asked."""

    def __init__(self, make: Callable[[], TextReader]) -> None:
        """`make` is called for each picture."""
        self._make = make
        self._worker = Worker("text reader", timeout_s=_TIMEOUT_S, restart_helps=False)

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Reading:
        """With the reader that the section `vision` names."""
        return cls(lambda: open_text_reader(config, models))

    async def read(self, frame: VideoFrame) -> ReadText:
        """What a picture says. Raises `DependencyMissingError` where the reader is not installed, `ModelError` where it
        fails, and `StageError`."""
        return ReadText(tuple(await self._worker.run(self._read, frame)), frame.at_s)

    def close(self) -> None:
        """Let the thread end."""
        self._worker.close()

    def _read(self, frame: VideoFrame) -> list[TextLine]:
        return self._make().read(frame)
