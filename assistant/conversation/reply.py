"""What is said in one turn: sentences, as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from assistant.ports import SpeakingStyle


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and how to say it."""

    text: str
    language: str
    style: SpeakingStyle


class Reply:
    """What is said in one turn."""

    def __init__(self, sentences: AsyncGenerator[Sentence, None]) -> None:
        self.sentences = sentences
        """To be iterated once."""
        self.ends_conversation = False
        """Whether no follow-up window opens; known once `sentences` is exhausted."""
        self.when_unknown: Callable[[], bool] = lambda: True
        """Called once, before the first sentence, if they only say that nobody knows what was meant: whether to."""
