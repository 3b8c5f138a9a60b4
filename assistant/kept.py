"""What was loaded and is worth keeping from one assistant of a process to the next: networks, sentence templates.

A new configuration makes a new assistant. Whatever takes long to load asks here first, naming what it is made from;
what is made from the same is not loaded again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Kept:
    """At most one thing a role. Nothing in it is ever closed: who lets go of something last frees it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keeping = False
        self._things: dict[str, tuple[Hashable, Any]] = {}
        self._wanted: set[str] = set()

    def get(self, role: str, made_from: Hashable, load: Callable[[], T]) -> T:
        """What `load` gives, or gave when it was asked for with an equal `made_from`. Something else in the same role
        is let go before, so that there need not be room for both. May be called on any thread, by one a role."""
        with self._lock:
            self._wanted.add(role)
            kept = self._things.get(role)
            if kept is not None and kept[0] == made_from:
                return cast("T", kept[1])
            self._things.pop(role, None)
        del kept
        thing = load()
        with self._lock:
            if self._keeping:
                self._things[role] = made_from, thing
        return thing

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Inside, things are kept; outside, each is loaded whenever it is asked for."""
        self._keeping = True
        try:
            yield
        finally:
            self._keeping = False
            self.forget()

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Around the start of an assistant: what it has not asked for by the end is let go, if it starts."""
        self._wanted.clear()
        yield
        with self._lock:
            self._things = {role: thing for role, thing in self._things.items() if role in self._wanted}

    def forget(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._things.clear()


def file_identity(path: Path) -> Hashable:
    """Differs once a file, or any file in a folder, has been replaced or written to; None if there is nothing."""
    try:
        parts = sorted(path.rglob("*")) if path.is_dir() else [path]
        states = [(str(part), part.stat()) for part in parts]
    except OSError:
        return None
    return tuple((name, state.st_ino, state.st_size, state.st_mtime_ns) for name, state in states)


KEPT = Kept()
"""One a process, as there is one assistant a process."""
