"""What was said in this conversation. The assistant's side is what was really played, for nothing else was heard."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.dialogue.sentences import joined_sentences


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
        self._intended: tuple[int, Sequence[str]] = 0, ()
        """A turn and all its sentences."""
        self._unsaid = ""

    def heard(self, turn_id: int, text: str) -> None:
        """The person said `text` in turn `turn_id`."""
        self._exchanges[turn_id] = _Exchange(person=text)
        while len(self._exchanges) > self._max_turns:
            self._exchanges.popitem(last=False)

    def intends(self, turn_id: int, sentences: Sequence[str]) -> None:
        """Turn `turn_id` is about to say `sentences`, and no more."""
        self._intended = turn_id, sentences
        if sentences:
            self._unsaid = joined_sentences(sentences)

    def improvises(self) -> None:
        """A turn is about to say what nobody knows beforehand."""
        self._unsaid = ""

    def played(self, turn_id: int, text: str, *, begun: str = "") -> None:
        """`text` was heard, of the sentences that were `begun` if one was broken off; for a turn that is forgotten, or
        outside any, only `last_reply` keeps them."""
        said = begun or text
        if said:
            self._last_reply = said
        if turn_id not in self._exchanges:
            return
        self._exchanges[turn_id].assistant = text
        turn, sentences = self._intended
        if turn_id == turn and sentences:
            self._unsaid = joined_sentences(_rest(sentences, said, broken_off=text != said))
        elif said:
            self._unsaid = ""

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

    def unsaid(self) -> str:
        """What the last answer had still to say, from the sentence on that was broken off; empty if it was heard to its
        end, or nobody knew beforehand what it would say. What is announced in between, such as a timer, changes
        nothing."""
        return self._unsaid


def _rest(sentences: Sequence[str], said: str, *, broken_off: bool) -> Sequence[str]:
    if not said:
        return sentences
    last = next((number for number, sentence in enumerate(sentences) if said.endswith(sentence)), len(sentences))
    return sentences[last if broken_off else last + 1 :]
