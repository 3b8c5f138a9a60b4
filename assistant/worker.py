"""One owned thread a model: how blocking work leaves the event loop.

A model's calls are serialised by its worker, so no model needs a lock, and its order of calls is its order of requests.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import queue
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

from assistant.errors import AssistantError, StageError

P = ParamSpec("P")
T = TypeVar("T")

_ENDS_S = 5.0
"""How long the last call of a worker is waited for by default: it ends a process."""
_GRACE_S = 10.0
"""How long the interpreter's exit waits for calls that go on: as long as a network takes to load."""


class Worker:
    """A thread that runs one model's blocking calls, first come first served."""

    def __init__(
        self, name: str, *, timeout_s: float = 60.0, restart_helps: bool = True, only_asks: bool = False
    ) -> None:
        """`restart_helps` tells whether a call that hangs is a reason to start the process anew, which ends the
        conversation. It is one for hearing, understanding, speaking and the detectors without which nothing is seen:
        nothing else brings them back. It is none for what the conversation can do without (a captioner, in whose place
        the detector's words are used; a reader of text; a channel of emotion), nor where a new process would meet the
        same hang (a driver, a file): that is told, and used again once the call returns.

        `only_asks` tells that its calls ask another process, and work with nothing that is loaded in this one.
        """
        self.name = name
        self.restart_helps = restart_helps
        self.only_asks = only_asks
        self._timeout_s = timeout_s
        self._executor = _DaemonThread(name)
        self._last: asyncio.Future[Any] | None = None
        """The newest call."""
        self._left: asyncio.Future[Any] | None = None
        """The newest that nobody waits for any more."""
        self._hung: asyncio.Future[Any] | None = None
        self._busy_until_s: float | None = None
        """When the call that has its turn takes too long, in the event loop's time; set on the thread."""
        self._closed = False
        _workers.add(self)

    @property
    def hangs(self) -> bool:
        """Whether a call that took too long still goes on."""
        return self._hung is not None and not self._hung.done() and not self._closed

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `call` on the thread and return its result; see `run_within`."""
        return await self.run_within(self._timeout_s, call, *args, **kwargs)

    async def run_within(self, timeout_s: float, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `call` on the thread and return its result.

        Raises `StageError` when it takes longer than the timeout, which begins with the call's turn: one that
        waits for a slow one is not late. Raises it too for what is no `AssistantError`: a native library raises
        whatever it likes, and none of it may end the conversation. A native call cannot be interrupted: until one that
        hangs returns, further calls are refused at once. A stage that must be able to hang belongs in a child process.
        """
        if self._closed:
            raise StageError(f"The {self.name} has been closed.")
        if self.hangs:
            raise StageError(f"The {self.name} still hangs in an earlier call.", remedy="Restart the assistant.")
        loop = asyncio.get_running_loop()
        work = functools.partial(call, *args, **kwargs)
        future = loop.run_in_executor(self._executor, self._timed, loop, timeout_s, work)
        self._last = future
        try:
            await self._wait(future, loop, timeout_s)
        except asyncio.CancelledError:
            future.cancel()  # a call that still waits for its turn is not wanted any more
            raise
        if future.done():
            try:
                return future.result()
            finally:
                del future  # an exception in it refers to this frame: what the call was about would be kept for long
        self._hung = future
        self._leave(future)
        raise StageError(
            f"The {self.name} did not answer within {timeout_s:g} s.",
            remedy="A smaller model or a longer timeout helps where the machine is slow.",
        )

    async def finish_within(self, timeout_s: float, call: Callable[[], object]) -> bool:
        """Run what must be done some time, such as giving a device back: it is queued even while a call hangs, and
        waited for no longer than the timeout, whatever has its turn before it. Whether it was done; raises nothing."""
        loop, refused = asyncio.get_running_loop(), self.hangs
        at_once = self._last is None or (self._last.done() and self._busy_until_s is None)
        future = self._begin(timeout_s, call)
        if not refused and (self._left is None or self._left.done()):
            await asyncio.wait({future}, timeout=timeout_s)
        if future.done():
            return True
        busy_until_s = self._busy_until_s
        # One that another holds up says nothing of that one, which may have more time.
        if refused or at_once or (busy_until_s is not None and loop.time() >= busy_until_s):
            self._hung = future
        self._leave(future)
        return False

    async def end_with(self, call: Callable[[], object], *, timeout_s: float = _ENDS_S) -> None:
        """Take no more calls, and let the thread end after this one, which is waited for as `finish_within` does, and
        made some time though nobody waits for it any more."""
        self._closed = True
        try:
            await self.finish_within(timeout_s, call)
        finally:
            self._executor.shutdown(wait=False)

    def begin(self, call: Callable[[], object]) -> None:
        """Queue a call that nobody waits for, unless one hangs or this was closed; whatever it raises is nobody's
        concern."""
        if not self.hangs and not self._closed:
            self._begin(self._timeout_s, call)

    def _begin(self, timeout_s: float, call: Callable[[], object]) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future = self._last = loop.run_in_executor(self._executor, self._timed, loop, timeout_s, call)
        future.add_done_callback(_take_exception)
        return future

    def _leave(self, future: asyncio.Future[Any]) -> None:
        """Nobody waits for it any more, nor does the interpreter's exit while it goes on."""
        self._left = future
        _threads.discard(self._executor)
        future.add_done_callback(_take_exception)
        future.add_done_callback(lambda _: _threads.add(self._executor))

    async def _wait(self, future: asyncio.Future[Any], loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        """Until the call is done, or whichever call has its turn takes too long."""
        left_s = timeout_s
        while left_s > 0 and not future.done():
            await asyncio.wait({future}, timeout=left_s)
            busy_until_s = self._busy_until_s
            if busy_until_s is not None:  # None just between two calls
                left_s = busy_until_s - loop.time()

    def _timed(self, loop: asyncio.AbstractEventLoop, timeout_s: float, call: Callable[[], T]) -> T:
        self._busy_until_s = loop.time() + timeout_s
        try:
            return call()
        except AssistantError:
            raise
        except BaseException as error:  # no library ends the assistant, and there are errors that no future takes
            raise StageError(f"The {self.name} failed: {error!r}") from error
        finally:
            self._busy_until_s = None

    @property
    def closed(self) -> bool:
        """Whether it takes no more calls."""
        return self._closed

    def ended(self, timeout_s: float) -> bool:
        """Wait for the end of its thread, once it was closed; whether that came in time. Blocking."""
        return self._executor.join(max(0.0, timeout_s))

    def close(self) -> None:
        """Let the thread end after its current call; queued calls are dropped."""
        self._closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)


def _take_exception(done: asyncio.Future[Any]) -> None:
    """Where nobody waits for a call, nobody else would take its exception."""
    if not done.cancelled():
        done.exception()


class _DaemonThread(Executor):
    """Like `ThreadPoolExecutor(1)`, but the interpreter's exit does not wait for it for ever: a call that hangs must
    not keep the assistant from ending."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Queue a call; the first one starts the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
            _threads.add(self)
        future: Future[Any] = Future()
        self._calls.put((future, functools.partial(fn, *args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the thread after the current call."""
        with contextlib.suppress(queue.Empty):
            # Not by `empty`: the thread itself may take the last call meanwhile.
            while cancel_futures:
                if (entry := self._calls.get_nowait()) is not None:
                    entry[0].cancel()
        self._calls.put(None)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of the thread; whether it came in time."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._thread is None or not self._thread.is_alive()

    def _serve(self) -> None:
        while (entry := self._calls.get()) is not None:
            future, call = entry
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)
            # Not to keep the result alive while waiting for the next call.
            del entry, future, call


_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


def hung_workers() -> tuple[str, ...]:
    """The names of the workers that hang in a native call now. A thread cannot be ended from outside: if the call never
    returns, only a restart of the process helps."""
    return tuple(sorted(worker.name for worker in _workers if worker.hangs and worker.restart_helps))


def closed_workers_ended(timeout_s: float) -> bool:
    """Wait for the last calls of the workers that were closed. Whether all have ended, so that what they worked with is
    free for others. One that has not is no more waited for the next time: what it works with was let go then."""
    deadline_s = time.monotonic() + timeout_s
    closed = [worker for worker in list(_workers) if worker.closed and not worker.only_asks]
    late = [worker for worker in closed if not worker.ended(deadline_s - time.monotonic())]
    _workers.difference_update(late)
    return not late


_threads: weakref.WeakSet[_DaemonThread] = weakref.WeakSet()
"""Those with a thread, less those that hang."""


@atexit.register
def _finish_calls() -> None:
    """A native call that returns while the interpreter is being dismantled aborts the process, so it returns before."""
    deadline_s = time.monotonic() + _GRACE_S
    threads = list(_threads)
    for thread in threads:
        thread.shutdown(cancel_futures=True)
    for thread in threads:
        thread.join(max(0.0, deadline_s - time.monotonic()))
