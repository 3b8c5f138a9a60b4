"""One owned thread a model: how blocking work leaves the event loop.

A model's calls are serialised by its worker, so no model needs a lock, and its order of calls is its order of requests.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import anyio

from assistant.errors import StageError

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """A thread that runs one model's blocking calls, first come first served."""

    def __init__(self, name: str, *, timeout_s: float = 60.0) -> None:
        self.name = name
        self._timeout_s = timeout_s
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `call` on the thread and return its result.

        Raises `StageError` when it takes longer than the worker's timeout. A native call cannot be interrupted, so the
        thread stays busy until the call returns; a stage that must be able to hang belongs in a child process.
        """
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._executor, functools.partial(call, *args, **kwargs))
        try:
            with anyio.fail_after(self._timeout_s):
                return await future
        except TimeoutError:
            raise StageError(
                f"The {self.name} did not answer within {self._timeout_s:g} s.",
                remedy="A smaller model or a longer timeout helps where the machine is slow.",
            ) from None

    def close(self) -> None:
        """Let the thread end after its current call; queued calls are dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)
