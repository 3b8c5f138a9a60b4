"""Freed memory goes back to the system, at once when asked and now and then by itself."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

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


_COUNT_POOLS = """
import ctypes, sys, threading
from assistant.heap import share_arenas
if sys.argv[2] == "shared":
    share_arenas()
libc, together = ctypes.CDLL(None), threading.Barrier(8)
libc.fopen.restype = ctypes.c_void_p
def use():
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=use) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives threads pools of their own")
def test_threads_share_two_pools_of_memory(tmp_path: Path) -> None:
    def pools(how: str) -> int:
        file = tmp_path / how
        subprocess.run([sys.executable, "-c", _COUNT_POOLS, str(file), how], check=True, timeout=60)
        return file.read_text(encoding="utf-8").count("<heap nr=")

    assert pools("shared") <= 2 < pools("own")
