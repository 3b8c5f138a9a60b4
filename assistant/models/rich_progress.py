"""Progress on a terminal: bars with sizes and speeds. In a log: one line for each finished task that took a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, SpinnerColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

WORTH_A_LINE_S = 0.5
"""Shorter tasks are not worth a line in a log."""


class RichProgress:
    """A `Progress` for people. Use it as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        self._bars = Bars(
            *columns, TransferSpeedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
        )

    def __enter__(self) -> RichProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    @contextmanager
    def task(self, title: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:
        """A bar; its line stays when it is complete."""
        started_s = time.monotonic()
        last_bytes = 0
        bar = self._bars.add_task(title, total=total_bytes)

        def advance(done_bytes: int) -> None:
            nonlocal last_bytes
            last_bytes = done_bytes if total_bytes is None else min(done_bytes, total_bytes)
            self._bars.update(bar, completed=last_bytes)

        try:
            yield advance
        except BaseException:
            self._bars.remove_task(bar)
            raise
        self._bars.update(bar, completed=last_bytes, total=last_bytes)
        duration_s = time.monotonic() - started_s
        if not self._console.is_terminal and duration_s > WORTH_A_LINE_S:
            size = f", {last_bytes / 1e6:.1f} MB, {last_bytes / 1e6 / duration_s:.1f} MB/s" if last_bytes else ""
            self._console.print(f"{title}: done in {duration_s:.1f} s{size}", markup=False, highlight=False)

    def note(self, text: str) -> None:
        """A line above the bars."""
        self._console.print(text, markup=False)
