"""A process as its parent sees it: start, ask, wait with a deadline, kill. All calls block."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time

from assistant.child.activity import Activity
from assistant.child.wire import FramingError, Header, packed, read_frame
from assistant.errors import AssistantError

_END_S = 2.0
_TAKES_S = 5.0
"""A process that has taken nothing for so long hangs: a thread of its own reads what it is sent."""
_IDLE_S = 3.0
"""One that works on a reply and has used no processor for so long hangs, however long it may take: on a machine of
which others leave it nothing it still gets some."""
_LOOKS_EVERY_S = 0.5


class ChildFailedError(AssistantError):
    """The process died, said nothing in time, or said nonsense. It is dead by the time that this is raised."""


class ChildHungError(ChildFailedError):
    """It was killed because it hung."""


class Child:
    """One child process."""

    def __init__(self, module: str, configuration: Header) -> None:
        """Run `python -m module`, and send it its first request."""
        # A session of its own: Ctrl-C in the terminal does not reach it, and killing its group takes along whatever
        # program it is waiting for.
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._given_up = False
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._sending = threading.Lock()
        self.send(configuration)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it can be asked."""
        return not self._given_up and self._process.poll() is None

    def send(self, header: Header, payload: bytes = b"", *, timeout_s: float = _TAKES_S) -> None:
        """Send a request; may be called from any thread. Raises `ChildFailedError` when it takes nothing more for
        `timeout_s`; the process is killed then."""
        try:
            with self._sending:
                self._write(packed(header, payload), timeout_s)
        except TimeoutError:
            self.kill()
            raise ChildHungError(f"it took nothing for {timeout_s:g} s and was killed") from None
        except (OSError, ValueError) as error:  # ValueError: closed by `kill` meanwhile
            raise self.failure() from error

    def receive(self, timeout_s: float, *, works: bool = False) -> tuple[Header, bytes]:
        """The next reply. Raises `ChildFailedError` when none came within `timeout_s`; the process is killed then, and
        long before that if it `works` for the reply, that is needs the processor for it, and does not use any."""
        deadline_s = time.monotonic() + timeout_s
        try:
            return read_frame(lambda size: self._read(size, deadline_s, works=works))
        except TimeoutError as error:
            self.kill()
            why = str(error) or f"it delivered nothing for {timeout_s:g} s"
            raise ChildHungError(f"{why} and was killed") from None
        except FramingError as error:
            self.kill()
            raise ChildFailedError(f"it sent what is no reply and was killed: {error}") from error
        except (EOFError, OSError, ValueError) as error:
            raise self.failure() from error

    def signal_death(self) -> None:
        """Have the system end it, with everything that it started. Whoever waits for a reply gets `ChildFailedError`;
        unlike `kill`, this may be called while another thread does."""
        with contextlib.suppress(ProcessLookupError):
            if self.running:
                os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End it at once and free its pipes; safe to call twice."""
        self.signal_death()
        self._given_up = True  # one that is stuck in the kernel dies when that lets go of it
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()

    def failure(self) -> ChildFailedError:
        """What became of a process that is dead, or whose pipe has closed; it is dead then."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        ending = self.ending()
        self.kill()
        return ending

    def ending(self) -> ChildFailedError:
        """How it ended; may be asked while another thread waits for it."""
        code = self._process.poll()
        if code is None:
            return ChildFailedError("its pipe closed and it was killed")
        if code < 0:
            return ChildFailedError(f"its process was ended by {signal.Signals(-code).name}")
        return ChildFailedError(f"its process ended with status {code}")

    def _write(self, data: bytes, timeout_s: float) -> None:
        assert self._process.stdin is not None
        descriptor = self._process.stdin.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        left = memoryview(data)
        while left:
            if not poll.poll(timeout_s * 1000):
                raise TimeoutError
            left = left[os.write(descriptor, left) :]

    def _read(self, size: int, deadline_s: float, *, works: bool) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        data = bytearray()
        activity: Activity | None = None
        while len(data) < size:
            left_s = max(0.0, deadline_s - time.monotonic())
            wait_s = min(left_s, _LOOKS_EVERY_S) if works else left_s
            if not poll.poll(1000 * wait_s):
                if wait_s == left_s:
                    raise TimeoutError
                activity = activity or Activity(self._process.pid)
                if activity.idle_s() >= _IDLE_S:
                    raise TimeoutError(f"it did nothing for {_IDLE_S:g} s")
                continue
            received = os.read(descriptor, size - len(data))
            if not received:
                raise EOFError
            data += received
        return bytes(data)
