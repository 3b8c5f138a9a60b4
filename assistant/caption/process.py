"""The captioner's network in a process of its own: started for the first picture, asked, and replaced once lost.

What writes is native code, which hangs and crashes; here it can take nothing with it but itself.
"""

from __future__ import annotations

import threading
import time

from assistant.child.process import Child, ChildFailedError
from assistant.child.wire import Header, error_from
from assistant.config import Config
from assistant.errors import StageError
from assistant.events import ImageArray

_MODULE = "assistant.caption.worker_main"
_NETWORK = "assistant.caption.neural_writer:NeuralWriter"
_WRITES_S = 60.0
"""How long loading and writing may take; longer is no more slow, it hangs. Nobody waits for so long."""
_STARTED_AGAIN_S = (0.0, 0.0, 2.5)
"""Least time from one loss to the next start, by the losses since it last wrote; the last one repeats."""


class WriterProcess:
    """`assistant.caption.neural.Writer` of a child that is there while there is something to write."""

    def __init__(self, config: Config, *, writer: str = _NETWORK) -> None:
        """`writer` names what the child opens: "module:Class"."""
        self._configuration: Header = {"kind": "configure", "config": config.model_dump(mode="json"), "writer": writer}
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._closed = False
        self._why: ChildFailedError | None = None
        """How the last one was lost."""
        self._losses = 0
        self._not_before_s = 0.0  # seconds of `time.monotonic`

    @property
    def pid(self) -> int | None:
        """The child's process number, None while there is none."""
        child = self._child
        return child.pid if child is not None and child.running else None

    @property
    def lost(self) -> bool:
        """Whether the child has died and nobody has been told: the next `write` raises why, the one after it starts
        another."""
        child = self._child
        return child is not None and not child.running

    def write(self, pixels: ImageArray) -> str:
        """What the network says of a picture, uint8 (height, width, 3), in its own words; the first time it is loaded.
        Blocks. Raises `StageError` when the process is lost, and what the writer itself raises."""
        height, width, _ = pixels.shape
        with self._lock:
            if self._closed:
                raise StageError("The neural captioner has been closed.")
            try:
                self._child = child = self._child or self._start()
                child.send({"kind": "write", "height": height, "width": width}, pixels.tobytes())
                reply, _ = child.receive(_WRITES_S, works=True)
            except ChildFailedError as error:
                self._give_up(error)
                raise _lost(error) from error
            self._losses = 0
        if reply["kind"] == "failed":
            raise error_from(reply)
        return str(reply["text"])

    def close(self) -> None:
        """End the child; safe to call twice, and while `write` waits for it."""
        self._closed = True
        while not self._lock.acquire(timeout=0.1):
            if (child := self._child) is not None:
                child.signal_death()
        try:
            if self._child is not None:
                self._child.kill()
                self._child = None
        finally:
            self._lock.release()

    # The rest has the lock.

    def _start(self) -> Child:
        if self._why is not None and time.monotonic() < self._not_before_s:
            raise _lost(self._why)
        return Child(_MODULE, self._configuration)

    def _give_up(self, error: ChildFailedError) -> None:
        self._child, self._why = None, error
        self._not_before_s = time.monotonic() + _STARTED_AGAIN_S[min(self._losses, len(_STARTED_AGAIN_S) - 1)]
        self._losses += 1


def _lost(error: ChildFailedError) -> StageError:
    return StageError(
        f"The neural captioner failed: {error}.",
        remedy="It is started anew; a smaller one helps where memory is short.",
    )
