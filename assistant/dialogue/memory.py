"""What was said in this conversation. The assistant's side is what was really played, for nothing else was heard."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class _Exchange:
    person: str
    assistant: str = ""


class ConversationMemory:
    """The last exchanges, oldest forgotten first."""

    def __init__(self, max_turns: int = 8) -> None:
        self._max_turns = max_turns
        self._exchanges: OrderedDict[int, _Exchange] = OrderedDict()
        self._last_reply = ""

    def heard(self, turn_id: int, text: str) -> None:
        """The person said `text` in turn `turn_id`."""
        self._exchanges[turn_id] = _Exchange(person=text)
        while len(self._exchanges) > self._max_turns:
            self._exchanges.popitem(last=False)

    def played(self, turn_id: int, text: str, *, begun: str = "") -> None:
        """`text` was heard, of the sentences that were `begun` if one was broken off; for a turn that is forgotten, or
        outside any, only `last_reply` keeps them."""
        if begun or text:
            self._last_reply = begun or text
        if turn_id in self._exchanges:
            self._exchanges[turn_id].assistant = text

    def history(self, *, before: int | None = None) -> list[tuple[str, str]]:
        """(person, assistant) pairs, oldest first, of the turns before turn `before`, or of all."""
        return [
            (exchange.person, exchange.assistant)
            for turn_id, exchange in self._exchanges.items()
            if before is None or turn_id < before
        ]

    def last_reply(self) -> str:
        """What the assistant said last, in whole sentences; empty before it said anything."""
        return self._last_reply
