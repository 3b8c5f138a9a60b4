"""Whether an utterance is meant for the assistant: wake phrase, follow-up window, or always."""

from __future__ import annotations

import math
from dataclasses import dataclass

from assistant.config import WakeConfig
from assistant.events import Utterance
from assistant.ports import Clock
from assistant.wake.phrase import PhraseMatch, PhraseMatcher


@dataclass(frozen=True, slots=True)
class Admission:
    """An utterance that is meant for the assistant."""

    command: str
    """What was said apart from the wake phrase; empty when only the phrase was."""
    match: PhraseMatch | None
    """The wake phrase, None when none was needed."""


class Attention:
    """Knows until when no wake phrase is needed."""

    def __init__(self, config: WakeConfig, matcher: PhraseMatcher, clock: Clock) -> None:
        self._config = config
        self._matcher = matcher
        self._clock = clock
        self._until_s = math.inf if config.mode == "always" else -math.inf
        self._fired_at_s = -math.inf

    def fired(self, at_s: float) -> None:
        """The first stage heard what may be the wake phrase, ending at `at_s`."""
        self._fired_at_s = at_s

    def may_be_meant(self, utterance: Utterance) -> bool:
        """Whether it is worth to recognise an utterance at all."""
        if self._config.first_stage == "vad" or self.attentive(utterance.started_at_s):
            return True
        return self._fired_at_s >= utterance.started_at_s

    def attentive(self, at_s: float) -> bool:
        """Whether what begins at `at_s` needs no wake phrase."""
        return at_s <= self._until_s

    def hold(self) -> None:
        """Stay attentive until `release` or `end`: a turn is going on."""
        self._until_s = math.inf

    def release(self) -> float:
        """Begin the follow-up window; the result is when it ends."""
        if self._config.mode != "always":
            self._until_s = self._clock.monotonic_s() + self._config.follow_up_s
        return self._until_s

    def end(self) -> None:
        """Need the wake phrase again."""
        if self._config.mode != "always":
            self._until_s = -math.inf

    def admit(self, text: str, speech_started_at_s: float) -> Admission | None:
        """What the utterance asks the assistant, None when it was not addressed."""
        match = self._matcher.match(text)
        if match is not None:
            return Admission(match.rest, match)
        if text and self.attentive(speech_started_at_s):
            return Admission(text, None)
        return None


def invitation(config: WakeConfig) -> str:
    """What a person is told when the assistant begins to listen."""
    if config.mode == "always" or not config.phrases:
        return "Listening."
    return f"Listening. Say “{config.phrases[0]}” and what you want."
