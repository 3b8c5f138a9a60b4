"""The child's own side: requests from its standard input, replies on its standard output.

It ends when its input does, that is when the assistant ends, however that happened.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from assistant.child.wire import Header, packed, read_frame

_KILLED_BEFORE_THE_ASSISTANT = "300"
"""`oom_score_adj`: this process is replaced within seconds, the other one holds the conversation."""


class Inbox:
    """Requests in order; a cancel overtakes them."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._requests: queue.SimpleQueue[tuple[Header, bytes]] = queue.SimpleQueue()
        self._cancelled = -1

    def listen(self) -> None:
        """Take requests until the input ends, then end the process: nobody is left to hear it."""
        try:
            while True:
                header, payload = read_frame(self._read)
                if header["kind"] == "cancel":
                    self._cancelled = max(self._cancelled, header["generation"])
                else:
                    self._requests.put((header, payload))
        finally:
            os._exit(0)

    def next(self) -> tuple[Header, bytes]:
        """The next request."""
        return self._requests.get()

    def cancelled(self, generation: int) -> bool:
        """Whether this request is not wanted any more."""
        return generation <= self._cancelled

    def _read(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) < size:
            raise EOFError
        return data


class Outbox:
    """Replies."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe

    def send(self, header: Header, payload: bytes = b"") -> None:
        """Send a reply. Ends the process if the assistant is gone."""
        try:
            self._pipe.write(packed(header, payload))
            self._pipe.flush()
        except BrokenPipeError:  # what is still buffered has no reader
            os._exit(0)


def begin_serving() -> tuple[Inbox, Outbox]:
    """Make this process a child that is asked over its pipes; to be called before anything else."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_KILLED_BEFORE_THE_ASSISTANT)
    # Ctrl-C is for the assistant, which ends this process by closing its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # systemd ends the whole service with it; what the assistant still asks is answered, and its input then ends.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    outbox = Outbox(_private_stdout())
    inbox = Inbox(io.BufferedReader(io.FileIO(0)))
    threading.Thread(target=inbox.listen, name="requests", daemon=True).start()
    return inbox, outbox


def _private_stdout() -> BinaryIO:
    """The pipe to the assistant, out of reach of libraries that print: their stdout becomes stderr."""
    pipe = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(pipe, "wb", buffering=io.DEFAULT_BUFFER_SIZE)
