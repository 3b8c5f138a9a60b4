"""A process as its parent sees it: start, ask, wait with a deadline, kill. All calls block."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time

from assistant.child.activity import Activity
from assistant.child.launcher import python_command
from assistant.child.wire import FramingError, Header, packed, read_frame
from assistant.errors import AssistantError

_END_S = 2.0
_TAKES_S = 5.0
"""A process that has taken nothing for so long hangs: a thread of its own reads what it is sent."""
_CLOSED_S = 0.5
"""How soon a process ends by itself whose pipe has closed."""
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

    def __init__(self, module: str, configuration: Header, *, niceness: int = 0) -> None:
        """Run `module`, and send it its first request. `niceness` is how much further than this process it stands back
        for others."""
        # A session of its own: Ctrl-C in the terminal does not reach it, and killing its group takes along whatever
        # program it is waiting for.
        self._process = subprocess.Popen(
            python_command(module), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        if niceness:
            # Before it has threads, each of which has its own. A sandbox may forbid it, and it may have ended.
            with contextlib.suppress(OSError):
                own = os.getpriority(os.PRIO_PROCESS, 0)
                os.setpriority(os.PRIO_PROCESS, self._process.pid, own + niceness)
        self._reaping = threading.Lock()
        self._signalled = False
        self._given_up = False
        self._why: tuple[type[ChildFailedError], str] | None = None
        """Why it was given up, in the first place; known before it is."""
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._sending, self._receiving = threading.Lock(), threading.Lock()
        self.send(configuration)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it can be asked."""
        return not self._given_up and not self._has_ended()

    def send(self, header: Header, payload: bytes = b"", *, timeout_s: float = _TAKES_S) -> None:
        """Send a request; may be called from any thread. Raises `ChildFailedError` when it takes nothing more for
        `timeout_s`; the process is killed then."""
        try:
            with self._sending:
                self._write(packed(header, payload), timeout_s)
        except TimeoutError:
            raise self._give_up(ChildHungError(f"it took nothing for {timeout_s:g} s and was killed")) from None
        except (OSError, ValueError) as error:  # ValueError: closed by `kill` meanwhile
            raise self._failure() from error

    def receive(self, timeout_s: float, *, works: bool = False) -> tuple[Header, bytes]:
        """The next reply. Raises `ChildFailedError` when none came within `timeout_s`; the process is killed then, and
        long before that if it `works` for the reply, that is needs the processor for it, and does not use any."""
        deadline_s = time.monotonic() + timeout_s
        try:
            with self._receiving:
                return read_frame(lambda size: self._read(size, deadline_s, works=works))
        except TimeoutError as error:
            why = str(error) or f"it delivered nothing for {timeout_s:g} s"
            raise self._give_up(ChildHungError(f"{why} and was killed")) from None
        except FramingError as error:
            raise self._give_up(ChildFailedError(f"it sent what is no reply and was killed: {error}")) from error
        except (EOFError, OSError, ValueError) as error:
            raise self._failure() from error

    def signal_death(self) -> None:
        """Have the system end it, with everything that it started. Whoever waits for a reply gets `ChildFailedError`.
        Unlike `kill` this never blocks, and leaves the pipes to be freed."""
        with self._reaping:
            self._signal_group()

    def kill(self) -> None:
        """End it at once and free its pipes; safe to call twice. One that another thread waits at is left to that
        thread, which finds that it has ended: a descriptor that is closed may be another file's at once."""
        self.signal_death()
        self._given_up = True  # one that is stuck in the kernel dies when that lets go of it
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        for pipe, used in ((self._process.stdin, self._sending), (self._process.stdout, self._receiving)):
            assert pipe is not None
            if used.acquire(blocking=False):
                with contextlib.suppress(OSError):
                    pipe.close()
                used.release()

    def ending(self) -> ChildFailedError:
        """How it ended; may be asked while another thread waits for it."""
        if self._why is not None:
            kind, reason = self._why
            return kind(reason)
        code = self._process.returncode if self._has_ended() else None
        if code is None:
            return ChildFailedError("its pipe closed and it was killed")
        if code < 0:
            return ChildFailedError(f"its process was ended by {signal.Signals(-code).name}")
        return ChildFailedError(f"its process ended with status {code}")

    def _give_up(self, why: ChildFailedError) -> ChildFailedError:
        """Kill it. The result is `why`."""
        self._why = self._why or (type(why), str(why))
        self.kill()
        return why

    def _failure(self) -> ChildFailedError:
        """What became of a process whose pipe has closed; it is dead then."""
        deadline_s = time.monotonic() + _CLOSED_S
        while not self._has_ended() and time.monotonic() < deadline_s:
            time.sleep(0.01)
        return self._give_up(self.ending())

    def _has_ended(self) -> bool:
        with self._reaping:
            if self._process.returncode is None and self._is_dead():
                self._signal_group()
                self._process.wait()
            return self._process.returncode is not None

    def _is_dead(self) -> bool:
        """Whether it has died; its number stays its own until it is waited for."""
        try:
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # `kill` has just waited for it
            return True

    def _signal_group(self) -> None:
        """Once, and before it is waited for: its number, which is its group's, may be another's afterwards."""
        if not self._signalled:
            self._signalled = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

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
