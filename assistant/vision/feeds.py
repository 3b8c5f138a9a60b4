"""Who wants to be told of changes, and of which."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection

from assistant.events import SceneChange, SceneChangeKind
from assistant.streams import DropOldest

_QUEUED = 32


class ChangeFeeds:
    """One queue a listener; a listener that does not keep up loses the oldest."""

    def __init__(self) -> None:
        self._feeds: dict[DropOldest[SceneChange], frozenset[SceneChangeKind]] = {}

    async def watch(self, kinds: Collection[SceneChangeKind]) -> AsyncGenerator[SceneChange, None]:
        """Changes of these kinds as they happen, for as long as one iterates."""
        feed: DropOldest[SceneChange] = DropOldest(_QUEUED)
        self._feeds[feed] = frozenset(kinds)
        try:
            async for change in feed:
                yield change
        finally:
            del self._feeds[feed]

    def tell(self, change: SceneChange) -> None:
        """Queue a change for all who want it."""
        for feed, kinds in self._feeds.items():
            if change.kind in kinds:
                feed.put(change)

    def want_any(self, kinds: Collection[SceneChangeKind]) -> bool:
        """Whether anyone wants one of these kinds."""
        return any(not wanted.isdisjoint(kinds) for wanted in self._feeds.values())
