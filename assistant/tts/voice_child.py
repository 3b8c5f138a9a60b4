"""The process of the voices: asked for one thing at a time, read, and replaced once it has died."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from assistant.child.process import Child, ChildFailedError, ChildHungError
from assistant.child.wire import Header
from assistant.errors import StageError
from assistant.events import AudioArray
from assistant.tts import PROCESS_MODULE


class VoiceChild:
    """Starts it when it is asked for something. `ask`, `next`, `reply`, `settle` and `end` block, and are called on one
    thread; the others do not, and may be called while that one reads."""

    def __init__(self, configuration: Header, timeout_s: float) -> None:
        """`configuration` is the first request of each process. One that delivers nothing for `timeout_s` hangs."""
        self._configuration = configuration
        self._timeout_s = timeout_s
        self.child: Child | None = None
        """The process, be it dead."""
        self._replacing = threading.Lock()
        self.closed = False
        """Whether none is started any more."""
        self.speaks: str | None = None
        """The engine that was asked to speak last; None where it was to load or rehearse, which takes what it takes."""
        # The last request sent and the last one that the child has finished.
        self._asked = self._finished = 0
        self._delivered_at_s = 0.0  # seconds of `time.monotonic`
        self._hung: ChildHungError | None = None
        """How the last request ended, if that is yet to be counted: perhaps nobody waited for it any more."""

    @property
    def pid(self) -> int | None:
        """The process's number, None while there is none."""
        child = self.child
        return child.pid if child and child.running else None

    @property
    def silent_s(self) -> float:
        """For how long it has delivered nothing, since it was asked."""
        return time.monotonic() - self._delivered_at_s

    @property
    def dead(self) -> Child | None:
        """The one that has died, until it is let go of or replaced; None while it lives and where there is none."""
        child = self.child  # once: `ask` may replace it meanwhile
        return child if child and not child.running else None

    def cancel(self, generation: int) -> None:
        """Tell it that a request is not wanted any more."""
        child = self.child
        if child and child.running and not self.closed:  # to send to a dead one would wait for its end
            with contextlib.suppress(ChildFailedError):
                child.send({"kind": "cancel", "generation": generation})

    def signal_death(self) -> bool:
        """Have it die; whoever reads learns of that. Whether there is one."""
        child = self.child
        if child:
            child.signal_death()
        return child is not None

    def let_go(self, child: Child) -> None:
        """Have this one die, and know of it no more; it is to be killed where it is read."""
        child.signal_death()
        with self._replacing:
            if self.child is child:
                self.child = None

    def forget_hang(self) -> None:
        """That the last request hung, if it did, has been counted."""
        self._hung = None

    def ask(self, kind: str, generation: int, engine: str, details: Mapping[str, Any]) -> None:
        """Send a request. Raises `ChildFailedError`, and `StageError` once this is `closed`."""
        if self.closed:
            raise StageError("The voices have been closed.")
        child = self.child
        if not (child and child.running):
            self.end()
            child = Child(PROCESS_MODULE, self._configuration)
            with self._replacing:
                self.child = child
        self._asked, self._delivered_at_s = generation, time.monotonic()
        self.speaks = engine if kind == "speak" else None
        child.send({"kind": kind, "generation": generation, "engine": engine, **details})

    def next(self) -> AudioArray | None:
        """The next block of the last request, float32 (n,); None after its last. Raises as `reply` does."""
        header, payload = self._reply()
        return np.frombuffer(payload, np.float32) if header["kind"] == "audio" else None

    def reply(self) -> Header:
        """How the last request, which makes no sound, was answered. Raises `ChildFailedError`, and `StageError` where
        the answer is a failure."""
        return self._reply()[0]

    def settle(self) -> ChildHungError | None:
        """Return once the last request is done with, or the child is dead; the reason if it is because it hung."""
        with contextlib.suppress(ChildFailedError):  # the next sentence gets another process
            while self._finished < self._asked and (child := self.child) and child.running:
                self._receive(child)
        hung, self._hung = self._hung, None
        return hung

    def end(self) -> None:
        """Kill it; safe to call twice."""
        if child := self.child:
            child.kill()

    def _reply(self) -> tuple[Header, bytes]:
        child = self.child
        assert child is not None
        header, payload = self._receive(child)
        if header["kind"] == "failed":
            error = StageError(header["message"], remedy=header["remedy"])
            error.exit_code = header["exit_code"]  # a voice that was not pulled is not a voice that broke
            raise error
        return header, payload

    def _receive(self, child: Child) -> tuple[Header, bytes]:
        try:
            header, payload = child.receive(self._timeout_s, works=True)
        except ChildHungError as error:
            self._hung = error
            raise
        self._delivered_at_s = time.monotonic()
        if header["kind"] != "audio":
            self._finished = header["generation"]
        return header, payload
