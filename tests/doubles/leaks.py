"""Catching what a test leaves behind: processes, also orphaned ones, threads, tasks, open and temporary files."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest

_GRACE_S = 10.0


@contextmanager
def nothing_left(folder: Path) -> Iterator[None]:
    """All that this module knows to look for; `folder` is where temporary files go."""
    with nothing_left_open(), nothing_left_behind(folder), no_task_left_running():
        yield


@contextmanager
def nothing_left_behind(folder: Path) -> Iterator[None]:
    """Inside, `folder` is where temporary files go. At the end it must be empty, and every thread and process that was
    started inside must be gone; processes are known by that folder in their environment, whoever adopted them."""
    threads = set(threading.enumerate())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", None)
        # In a new home, the first program of PulseAudio's would make a folder here, and keep it for the next ones.
        patch.setenv("PULSE_RUNTIME_PATH", f"{folder}-pulse")
        yield
        deadline_s = time.monotonic() + _GRACE_S
        while (left := _left(folder, threads)) and time.monotonic() < deadline_s:
            time.sleep(0.1)
    assert not left, f"Left behind: {', '.join(left)}"


@contextmanager
def nothing_left_open() -> Iterator[None]:
    """At the end no file, pipe or socket may be open that was not at the beginning."""
    before = _open_files()
    yield
    gc.collect()
    deadline_s = time.monotonic() + _GRACE_S
    while (left := _newly_open(before)) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert not left, f"Left open: {', '.join(sorted(left))}"


def _newly_open(before: dict[str, str]) -> list[str]:
    """Of nameless files as many as there are more than before: pytest captures output in such, and opens them anew now
    and then, under other numbers too."""
    now = _open_files()
    new = {number: target for number, target in now.items() if target != before.get(number)}
    more = sum(map(_is_nameless, now.values())) > sum(map(_is_nameless, before.values()))
    return [f"{number} {target}" for number, target in new.items() if more or not _is_nameless(target)]


def _is_nameless(target: str) -> bool:
    return target.endswith(" (deleted)")


def _open_files() -> dict[str, str]:
    """Number → what it is."""
    found = {}
    for entry in list(Path("/proc/self/fd").iterdir()):
        try:
            found[entry.name] = str(entry.readlink())
        except OSError:  # that of the listing itself
            continue
    return found


@contextmanager
def no_task_left_running() -> Iterator[None]:
    """Inside, whatever `anyio.run` and `asyncio.run` run must have ended with its main function: the loop would cancel
    it in silence."""
    run, run_coroutine = anyio.run, asyncio.run

    async def alone(main: Awaitable[Any]) -> Any:
        result = await main
        await no_task_left_behind()
        return result

    def run_alone(main: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> Any:
        async def begin() -> Any:
            return await alone(main(*arguments))

        return run(begin, **options)

    def run_coroutine_alone(main: Coroutine[Any, Any, Any], **options: Any) -> Any:
        return run_coroutine(alone(main), **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anyio, "run", run_alone)
        patch.setattr(asyncio, "run", run_coroutine_alone)
        yield


@contextmanager
def no_generator_left_open() -> Iterator[None]:
    """Inside a running loop, every asynchronous generator that is begun must be closed by whoever iterates it: the
    garbage collector would close it some time later."""
    hooks, left = sys.get_asyncgen_hooks(), []

    def collected(generator: AsyncGenerator[Any, Any]) -> None:
        left.append(generator.__qualname__)
        hooks.finalizer(generator)

    sys.set_asyncgen_hooks(finalizer=collected)
    try:
        yield
        gc.collect()
    finally:
        sys.set_asyncgen_hooks(*hooks)
    assert not left, f"Generators left open: {left}"


async def no_task_left_behind() -> None:
    """Nothing but the caller runs on this loop, or is about to end."""
    for _ in range(20):
        await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, f"Tasks left behind: {left}"


def _left(folder: Path, threads_before: set[threading.Thread]) -> list[str]:
    started = [thread for thread in threading.enumerate() if thread not in threads_before]
    return [
        *(f"process {pid}" for pid in _processes(folder)),
        *(f"thread {thread.name}" for thread in started),
        *(f"file {path}" for path in folder.iterdir()),
    ]


def _processes(folder: Path) -> Iterator[str]:
    for process in psutil.process_iter():
        try:
            ours = process.pid != os.getpid() and process.environ().get("TMPDIR") == str(folder)
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                yield f"{process.pid} {' '.join(process.cmdline())}"
        except psutil.Error:
            continue
