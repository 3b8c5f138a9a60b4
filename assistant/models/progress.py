"""How long work shows that it moves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Progress(Protocol):
    """Where the store reports downloads and conversions."""

    def task(self, title: str, total_bytes: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Begin a piece of work of `total_bytes` (None: unknown). The result is called with the bytes done so far."""

    def note(self, text: str) -> None:
        """A sentence for the user, such as why the store waits."""


class NoProgress:
    """Reports nothing."""

    def task(self, title: str, total_bytes: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """A task that nobody watches."""
        return nullcontext(lambda done_bytes: None)

    def note(self, text: str) -> None:
        """Nothing is said."""
