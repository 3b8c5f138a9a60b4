"""An asyncio loop whose clock jumps to the next timer instead of waiting for it.

A conversation of minutes runs in seconds with exact, repeatable times. Work on a thread, a `Worker`'s or anyio's, takes
no virtual time: the clock stands still until it is done, so a slow machine changes nothing but the duration of the run.
What the loop itself waits for on a network is not known to the clock; nothing that runs in virtual time may depend on
that.

The idea is that of livekit agents' test loop and of Tokio's `time::pause`.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

T = TypeVar("T")


class _JumpingSelector(selectors.BaseSelector):
    """A selector that moves virtual time where a real one would sleep."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now_s = 0.0
        self.outstanding = 0
        """Calls on worker threads whose results the loop still waits for."""
        self.limiter: anyio.CapacityLimiter | None = None
        """Lends a token to each call on a thread of anyio's, as long as somebody waits for the call."""

    @property
    def _stands_still(self) -> bool:
        return self.outstanding > 0 or (self.limiter is not None and self.limiter.borrowed_tokens > 0)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return self._real.select(0)
        if self._stands_still or timeout is None:
            return self._real.select(None)
        self.now_s += timeout
        return self._real.select(0)

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, starting at 0 s."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds."""
        return self._jumping.now_s

    def hold_while_borrowed(self, limiter: anyio.CapacityLimiter) -> None:
        """Let the clock stand still while `limiter` lends a token, which anyio's threads take from it."""
        self._jumping.limiter = limiter

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """As in asyncio, holding the clock until the call is done."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.outstanding += 1
        future.add_done_callback(self._release)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """As in asyncio, holding the clock: its own timeout would pass at once in virtual time."""
        self._jumping.outstanding += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._jumping.outstanding -= 1

    def _release(self, _: asyncio.Future[Any]) -> None:
        self._jumping.outstanding -= 1


def run_in_virtual_time(main: Callable[[], Awaitable[T]]) -> T:
    """Run `main` to its end on a loop in virtual time."""

    async def held() -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.hold_while_borrowed(anyio.to_thread.current_default_thread_limiter())
        return await main()

    return anyio.run(held, backend_options={"loop_factory": VirtualTimeLoop})
