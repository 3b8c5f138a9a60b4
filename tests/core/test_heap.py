"""Freed memory goes back to the system, at once when asked and now and then by itself."""

from __future__ import annotations

import platform

import anyio
import psutil
import pytest

from assistant import heap
from assistant.virtual_time import run_in_virtual_time

MB = 1_000_000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what was freed")
def test_memory_that_was_freed_between_blocks_in_use_is_given_back() -> None:
    blocks = [bytes(2000) for _ in range(100_000)]
    kept = blocks[::100]  # the heap cannot shrink below them
    del blocks
    before = psutil.Process().memory_info().rss
    heap.trim_heap()
    assert before - psutil.Process().memory_info().rss > 100 * MB
    assert len(kept) == 1000


def test_it_is_done_now_and_then_until_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    trimmed: list[None] = []
    monkeypatch.setattr(heap, "trim_heap", lambda: trimmed.append(None))

    async def main() -> None:
        with anyio.move_on_after(600.0):
            await heap.keep_trimmed()

    run_in_virtual_time(main)
    assert trimmed
