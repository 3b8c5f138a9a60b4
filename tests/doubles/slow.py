"""A recogniser for a process of its own that takes virtual time: it is told by the test's process when that is over."""

from __future__ import annotations

import os
import threading
import weakref
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

import numpy as np
import pytest

from assistant.config import Config
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import Recognition
from tests.doubles.fated import HEARD
from tests.doubles.living import HangableLoop, Words

VARIABLE = "TEST_SLOW_RECOGNIZER"
"""Environment variable with the socket at which the test's process is asked."""
_LOOKS_EVERY_S = 0.001
"""So often that it uses some of the processor: one that uses none is taken for one that hangs."""


class Slowness:
    """In the test's process: takes virtual time for each recognition, by `Words.real_time_factor`."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.streams: list[int] = []
        """How many utterances the process knew, at each recognition."""
        self._listener = Listener(str(folder / "slow"), "AF_UNIX")
        patch.setenv(VARIABLE, str(self._listener.address))
        self._thread = threading.Thread(target=self._serve, name="slowness")

    def __enter__(self) -> Slowness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        Client(self._listener.address).close()  # in case that nobody else has come
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        """Until the process of the recogniser ends, of which there is one."""
        with self._listener.accept() as process:
            while True:
                try:
                    seconds, streams = process.recv()
                    self.streams.append(streams)
                    HangableLoop.current.take(seconds, lambda: Words.real_time_factor, worker="recogniser")
                    process.send(None)
                except (EOFError, ConnectionError):
                    return


class Slow:
    """Hears the same in every utterance, and keeps what was said for as long as it knows it."""

    languages = frozenset({"en"})
    streams_partials = False

    def __init__(self, clock: Connection) -> None:
        self._clock = clock
        self._streams: weakref.WeakSet[SlowStream] = weakref.WeakSet()

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Slow:
        return cls(Client(os.environ[VARIABLE]))

    def open(self, language: str | None) -> SlowStream:
        stream = SlowStream(self)
        self._streams.add(stream)
        return stream

    def close(self) -> None:
        self._clock.close()

    def take(self, seconds: float) -> None:
        """Return when so much speech is recognised."""
        self._clock.send((seconds, len(self._streams)))
        while not self._clock.poll(_LOOKS_EVERY_S):
            continue
        self._clock.recv()


class SlowStream:
    def __init__(self, recognizer: Slow) -> None:
        self._recognizer = recognizer
        self._said = np.zeros(0, np.float32)
        self._decoded = 0

    def accept(self, samples: AudioArray) -> str | None:
        self._said = np.concatenate([self._said, samples])
        return None

    def result(self, *, over_reply: bool = False) -> Recognition:
        self._recognizer.take((self._said.size - self._decoded) / 16_000)
        self._decoded = self._said.size
        return Recognition(HEARD, "en", 0.9)
