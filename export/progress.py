"""Stages that run, on a terminal: a moving bar with the time so far. In a log: a line for each that took a while."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_WORTH_A_LINE_S = 1.0


@contextmanager
def working(title: str) -> Iterator[None]:
    """A bar on standard error while the block runs."""
    with StageProgress(Console(stderr=True)) as progress, progress.task(title, None):
        yield


class StageProgress:
    """A `Progress` for stages, whose length nobody knows before. Use it as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        # What a command prints into a file must not be taken for what stands above the bars.
        redirect = sys.stdout.isatty()
        self._bars = Progress(*columns, console=console, disable=not console.is_terminal, redirect_stdout=redirect)

    def __enter__(self) -> StageProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    @contextmanager
    def task(self, title: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:
        """A bar that moves while the block runs."""
        started_s = time.monotonic()
        bar = self._bars.add_task(title, total=None)
        try:
            yield lambda done_bytes: None
        except BaseException:
            self._bars.remove_task(bar)
            raise
        self._bars.update(bar, completed=1, total=1)
        took_s = time.monotonic() - started_s
        if not self._console.is_terminal and took_s > _WORTH_A_LINE_S:
            self._console.print(f"{title}: {took_s:.1f} s", markup=False, highlight=False)

    def note(self, text: str) -> None:
        """A line above the bars."""
        self._console.print(text, markup=False)
