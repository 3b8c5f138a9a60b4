"""Shows every event to everyone who watches."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from assistant.events import Event
from assistant.ports import TurnObserver

_LOG = logging.getLogger(__name__)


class Observers:
    """A list of observers, each protected from the others' mistakes."""

    def __init__(self, observers: Sequence[TurnObserver]) -> None:
        self._observers = list(observers)

    def add(self, *observers: TurnObserver) -> None:
        """Let more of them watch."""
        self._observers += observers

    def emit(self, event: Event) -> None:
        """Show an event; an observer that breaks must not break the conversation."""
        for observer in self._observers:
            try:
                observer.on_event(event)
            except Exception:
                _LOG.exception("An observer failed.")
