"""Bounded streams between stages. Which rule a stream follows is decided by what it carries:

- sound drops its oldest and counts what it dropped (`DropOldest`): late sound is useless, memory is not endless;
- pictures keep only the newest (`Latest`): nobody wants to see the past;
- text and speech apply back-pressure: `anyio.create_memory_object_stream(n)` as it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class DropOldest(Generic[T]):
    """A queue of at most `capacity` items that makes room by forgetting the oldest. One consumer, one event loop."""

    def __init__(self, capacity: int) -> None:
        self._items: deque[T] = deque(maxlen=capacity)
        self._changed = anyio.Event()
        self._closed = False
        self.dropped = 0
        """Items forgotten so far."""

    def put(self, item: T) -> None:
        """Append an item; never waits."""
        if len(self._items) == self._items.maxlen:
            self.dropped += 1
        self._items.append(item)
        self._changed.set()

    def drop_rest(self) -> None:
        """Forget all that is there: nobody will take it."""
        self.dropped += len(self._items)
        self._items.clear()

    def close(self) -> None:
        """Let the consumer end once it has taken what is there."""
        self._closed = True
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            while self._items:
                yield self._items.popleft()
            if self._closed:
                return
            self._changed = anyio.Event()
            await self._changed.wait()


class Latest(Generic[T]):
    """Holds the newest item only."""

    def __init__(self) -> None:
        self._item: T | None = None
        self._version = 0
        self._changed = anyio.Event()

    def put(self, item: T) -> None:
        """Replace the item."""
        self._item = item
        self._version += 1
        self._changed.set()
        self._changed = anyio.Event()

    async def after(self, version: int) -> tuple[T, int]:
        """Wait for an item newer than `version`; returns it with its own version. Start with 0."""
        while self._version <= version or self._item is None:
            await self._changed.wait()
        return self._item, self._version
