"""Time as the assistant sees it. Nothing else in the package asks the operating system what time it is.

Monotonic time is the running event loop's own clock, so a loop in virtual time (`assistant.virtual_time`) moves the
whole assistant at once. Wall time is used only where a person asks for it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import datetime

import anyio


class LoopClock:
    """The `Clock` of a running assistant: the event loop's monotonic time and the machine's local time."""

    def monotonic_s(self) -> float:
        """Seconds on the event loop's monotonic clock."""
        return asyncio.get_running_loop().time()

    def wall(self) -> datetime:
        """The local date and time, with its zone."""
        time.tzset()  # the C library reads the zone once, and would keep it though the machine's was changed
        return datetime.now().astimezone()

    def suspended_s(self) -> float:
        """Seconds that the machine has slept through since it was started."""
        if sys.platform != "linux":
            return 0.0
        awake_s = time.clock_gettime(time.CLOCK_MONOTONIC)
        return time.clock_gettime(time.CLOCK_BOOTTIME) - awake_s

    async def sleep_until(self, deadline_s: float) -> None:
        """Return at `deadline_s` (monotonic seconds), at once if that has passed."""
        await anyio.sleep(max(0.0, deadline_s - self.monotonic_s()))
