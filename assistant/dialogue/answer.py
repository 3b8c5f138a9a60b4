"""What the responder gives: an answer whose sentences come as they are made."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from assistant.events import IntentRecognized, StageFailed


@dataclass(slots=True)
class Answer:
    """One answer in the making: what was understood is known at once, the sentences come as they are made."""

    understood: list[IntentRecognized]
    """One request, or several of one breath in their order."""
    language: str
    """Of the sentences: "en" or "zh"."""
    interpretation_s: float
    """Seconds of work that understanding took, for `StageTimed`."""
    sentences: AsyncGenerator[str, None]
    """To be iterated once. Never raises `AssistantError`: a failure is spoken, and told in `failures`."""
    stage: str = ""
    """What makes them now, as `failures` and `worked` name it."""
    first_token: tuple[float, float] | None = None
    """When a language model began to answer, in monotonic seconds and in those of the performance counter; None before
    that, and where a skill answers."""
    ends_conversation: bool = False
    """Whether no follow-up window opens. Known once `sentences` is exhausted."""
    unknown: bool = False
    """Whether all it says is that nobody knows what was meant. Known with the first sentence."""
    worked: list[str] = field(default_factory=list)
    """Stages that did their part. Complete once `sentences` is exhausted."""
    failures: list[StageFailed] = field(default_factory=list)
    """What went wrong. Complete once `sentences` is exhausted."""


@dataclass(frozen=True, slots=True)
class FirstSentence:
    """How an answer begins."""

    text: str
    language: str
