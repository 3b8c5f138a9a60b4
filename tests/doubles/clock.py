"""A clock that moves only when told to."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import anyio


class ManualClock:
    """`Clock` whose time is advanced by the test; sleepers wake in the order of their deadlines."""

    def __init__(self, wall: datetime | None = None) -> None:
        self._now_s = 0.0
        self._wall = wall or datetime(2026, 3, 3, 17, 10, tzinfo=timezone.utc)
        self._suspended_s = 0.0
        self._sleepers: list[tuple[float, anyio.Event]] = []

    def monotonic_s(self) -> float:
        return self._now_s

    def wall(self) -> datetime:
        return self._wall + timedelta(seconds=self._now_s)

    def set(self, by_s: float) -> None:
        """Put the wall clock forward, as a time server does."""
        self._wall += timedelta(seconds=by_s)

    def suspended_s(self) -> float:
        return self._suspended_s

    def suspend(self, for_s: float) -> None:
        """Let the machine sleep: monotonic time stands still, and the wall clock is right again when it wakes."""
        self._suspended_s += for_s
        self._wall += timedelta(seconds=for_s)

    async def sleep_until(self, deadline_s: float) -> None:
        if deadline_s > self._now_s:
            sleeper = (deadline_s, anyio.Event())
            self._sleepers.append(sleeper)
            await sleeper[1].wait()

    async def advance(self, seconds: float) -> None:
        """Move on, and let everybody who woke run until they wait again."""
        await anyio.wait_all_tasks_blocked()
        until_s = self._now_s + seconds
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= until_s]:
            deadline_s, event = sleeper = min(due, key=lambda sleeper: sleeper[0])
            self._sleepers.remove(sleeper)
            self._now_s = max(self._now_s, deadline_s)
            event.set()
            await anyio.wait_all_tasks_blocked()
        self._now_s = until_s
