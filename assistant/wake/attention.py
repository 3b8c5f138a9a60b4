"""Whether an utterance is meant for the assistant: wake phrase, follow-up window, being told to listen, or always."""

from __future__ import annotations

import math
from dataclasses import dataclass

from assistant.config import WakeConfig
from assistant.events import Utterance
from assistant.ports import Clock
from assistant.wake.phrase import PhraseMatch, PhraseMatcher

_AT_LEAST_S = 5.0
"""How long someone who called it has to begin, however short the follow-up window is."""


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
        self.until_s = math.inf if config.mode == "always" else -math.inf
        """What begins until then needs no wake phrase."""
        self._fired_at_s = -math.inf
        self._called_at_s = -math.inf

    def fired(self, at_s: float) -> None:
        """The first stage heard what may be the wake phrase, ending at `at_s`."""
        self._fired_at_s = at_s

    def may_be_meant(self, utterance: Utterance) -> bool:
        """Whether it is worth to recognise an utterance at all."""
        if self.attentive(utterance.started_at_s):
            return True
        if self._config.mode == "push-to-talk":
            return False
        return self._config.first_stage == "vad" or self._fired_at_s >= utterance.started_at_s

    def attentive(self, at_s: float) -> bool:
        """Whether what begins at `at_s` needs no wake phrase."""
        return at_s <= self.until_s

    def called_again(self, at_s: float) -> bool:
        """Note a wake phrase that was all that was said; whether it only repeats one just before."""
        again = at_s - self._called_at_s <= self._config.refractory_s
        self._called_at_s = at_s
        return again

    def open(self) -> float:
        """Listen without a wake phrase, for someone called; the result is until when they may begin."""
        return self._attend(max(self._config.follow_up_s, _AT_LEAST_S))

    def hold(self) -> None:
        """Stay attentive until `release` or `end`: a turn is going on."""
        if self._config.mode == "push-to-talk":
            self.end()
        else:
            self.until_s = math.inf

    def release(self) -> float:
        """Begin the follow-up window; the result is when it ends, which has passed where there is none."""
        return self.until_s if self._config.mode == "push-to-talk" else self._attend(self._config.follow_up_s)

    def end(self) -> float:
        """Need the wake phrase again, where one was needed before; the result is until when none is."""
        if self._config.mode != "always":
            self.until_s = -math.inf
        return self.until_s

    def admit(self, text: str, speech_started_at_s: float) -> Admission | None:
        """What the utterance asks the assistant, None when it was not addressed."""
        attentive = self.attentive(speech_started_at_s)
        match = self._matcher.match(text)
        if match is not None and (attentive or self._config.mode != "push-to-talk"):
            return Admission(match.rest, match)
        if text and attentive:
            return Admission(text, None)
        return None

    def _attend(self, seconds: float) -> float:
        if self._config.mode != "always":
            self.until_s = self._clock.monotonic_s() + seconds
        return self.until_s


def invitation(config: WakeConfig) -> str:
    """What a person is told when the assistant begins to listen."""
    if config.mode == "push-to-talk":
        return "Ready. Send SIGUSR2, or use the talk button, and say what you want."
    if config.mode == "always" or not config.phrases:
        return "Listening."
    return f"Listening. Say “{config.phrases[0]}” and what you want."
