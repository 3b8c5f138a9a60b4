"""An asyncio loop whose clock jumps to the next timer instead of waiting for it.

A conversation of minutes runs in seconds with exact, repeatable times. Work that a `Worker` does on its thread takes no
virtual time: the clock stands still until it is done, so a slow machine changes nothing but the duration of the run.
Network waits are not known to the clock; nothing that runs in virtual time may depend on one.

The idea is that of livekit agents' test loop and of Tokio's `time::pause`.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

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

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return self._real.select(0)
        if self.outstanding or timeout is None:
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
    return anyio.run(main, backend_options={"loop_factory": VirtualTimeLoop})
