"""Memory that was freed, handed back to the system."""

from __future__ import annotations

import ctypes

import anyio
import anyio.to_thread

_EVERY_S = 10.0
"""In a conversation the networks' buffers leave some 20 MB behind in that time; to give it back takes a millisecond or
two."""
_M_ARENA_MAX = -8
"""glibc's number for the setting "how many arenas at most", from malloc.h; see the manual page mallopt(3)."""
_ARENAS = 2
"""So many pools of memory for all threads: with two, they seldom wait for one another."""


def share_arenas() -> None:
    """Have threads share pools of memory: glibc gives each of some twenty threads its own, and what one has freed is of
    no use to the others. Saves some 20 MB. To be called before there are threads."""
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
    except (OSError, AttributeError):  # another C library
        return


def trim_heap() -> None:
    """Give back what glibc keeps for later: after networks were loaded, or when memory runs short. It takes some
    milliseconds, and what is needed again has to be got anew, so it is nothing to do all the time."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # another C library
        return


async def keep_trimmed() -> None:
    """Trim the heap now and then, off the event loop, until cancelled."""
    while True:
        await anyio.sleep(_EVERY_S)
        await anyio.to_thread.run_sync(trim_heap)
