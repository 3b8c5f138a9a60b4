"""Memory that was freed, handed back to the system."""

from __future__ import annotations

import ctypes


def trim_heap() -> None:
    """Give back what glibc keeps for later: after networks were loaded, or when memory runs short. It takes some
    milliseconds, and what is needed again has to be got anew, so it is nothing to do all the time."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # another C library
        return
