"""Whether an utterance is meant for the assistant: wake phrase, follow-up window, being told to listen, or always."""

from __future__ import annotations

import math
from dataclasses import dataclass

from assistant.config import WakeConfig
from assistant.dialogue.small_words import is_hum
from assistant.events import Utterance
from assistant.ports import Clock
from assistant.wake.phrase import PhraseMatch, PhraseMatcher

_AT_LEAST_S = 5.0
"""How long someone who called it has to begin, however short the follow-up window is."""

_SENTENCE_S = 5.0
"""Who says something that makes no sense, and goes on for longer, hardly says it to the assistant."""


@dataclass(frozen=True, slots=True)
class Admission:
    """An utterance that is meant for the assistant."""

    command: str
    """What was said apart from the wake phrase; empty when only the phrase was."""
    match: PhraseMatch | None
    """The wake phrase, None when none was needed."""


class Attention:
    """Knows until when no wake phrase is needed."""

    def __init__(self, config: WakeConfig, clock: Clock) -> None:
        self._config = config
        self._matcher = PhraseMatcher(config.phrases, config.match)
        self._clock = clock
        self._until_s = math.inf if config.mode == "always" else -math.inf
        self._held = False
        self._called = False
        """Whether it waits for what somebody who called it has to say."""
        self._meant = False
        """Whether what a turn is about was certainly said to the assistant: with a wake phrase, or after a call."""
        self._doubted = False
        """Whether something that makes no sense was said in this window."""
        self.muted = False
        """Whether nobody is attended to, since nobody can be heard."""
        self._fired_at_s = -math.inf
        self._called_at_s = -math.inf
        self._muted_at_s = -math.inf

    @property
    def until_s(self) -> float:
        """What begins until then needs no wake phrase."""
        return math.inf if self._held else self._until_s

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

    @property
    def awaits_caller(self) -> bool:
        """Whether somebody called it, and has said nothing since."""
        return self._called

    def attentive(self, at_s: float) -> bool:
        """Whether what begins at `at_s` needs no wake phrase."""
        return at_s <= self.until_s

    def called_again(self, utterance: Utterance) -> bool:
        """Note a wake phrase that was all that was said; whether it only repeats one just before."""
        again = utterance.ended_at_s - self._called_at_s <= self._config.refractory_s
        # Muted, it answers no call: the next one is the first.
        self._called_at_s = -math.inf if self.muted else utterance.ended_at_s
        return again

    def open(self) -> float:
        """Listen without a wake phrase, for someone called; the result is until when they may begin."""
        self._held, self._called = False, not self.muted
        return self._attend(max(self._config.follow_up_s, _AT_LEAST_S))

    def hold(self, *, by_phrase: bool) -> None:
        """Stay attentive until `release` or `end`: a turn is going on, which a wake phrase began or not."""
        self._meant, self._called = by_phrase or self._called or self._config.mode != "phrase", False
        if self.muted:
            return
        if self._config.mode == "push-to-talk":
            self.end()
            return
        if self._held:  # by the turn that this one interrupts
            self._attend(self._config.follow_up_s)
        self._held = True

    def doubt(self, utterance: Utterance) -> bool:
        """The turn makes no sense. What was not certainly said to the assistant may well be a television: it leaves the
        window as it was, also for what is said over the reply. The result is whether to say that it makes none: once a
        window is enough, and not to what goes on for long."""
        if self._meant:
            return True
        self._held, doubted, self._doubted = False, self._doubted, True
        return not doubted and utterance.ended_at_s - utterance.started_at_s <= _SENTENCE_S

    def release(self) -> float:
        """The turn is over: begin the follow-up window. The result is when it ends, which has passed where there is
        none."""
        if self._held:
            self._held = False
            self._attend(self._config.follow_up_s)
        return self._until_s

    def end(self) -> float:
        """Need the wake phrase again, where one was needed before; the result is until when none is."""
        self._held = self._called = False
        if self._config.mode != "always":
            self._until_s = -math.inf
        return self._until_s

    def mute(self) -> None:
        """Attend to nobody until `unmute`, also not during a turn; what begins from now on needs the wake phrase. What
        was said before is still meant, however late it is recognised."""
        self._muted_at_s = self._clock.monotonic_s()
        until_s = min(self.until_s, math.nextafter(self._muted_at_s, -math.inf))
        self.muted = True
        self._called_at_s = -math.inf
        self.end()
        if self._config.mode != "always":
            self._until_s = until_s

    def muted_since(self, at_s: float) -> bool:
        """Whether it is muted, or was after `at_s`, so that nothing more is to come of what had not ended by then."""
        return self.muted or at_s <= self._muted_at_s

    def unmute(self) -> None:
        """Be as attentive as ever, from the next turn or call on."""
        self.muted = False

    def admit(self, text: str, speech_started_at_s: float) -> Admission | None:
        """What the utterance asks the assistant, None when it was not addressed."""
        attentive = self.attentive(speech_started_at_s)
        match = self._matcher.match(text)
        if match is not None and (attentive or self._config.mode != "push-to-talk"):
            return Admission(match.rest, match)
        if text and attentive:
            return Admission(text, None)
        return None

    def only_calls(self, text: str) -> bool:
        """Whether `text`, which was said beside a wake phrase, holds no more than such phrases and hums."""
        match = self._matcher.match(text)
        return is_hum(text) or (match is not None and self.only_calls(match.rest))

    def _attend(self, seconds: float) -> float:
        self._doubted = False
        if self._config.mode != "always" and not self.muted:
            self._until_s = self._clock.monotonic_s() + seconds
        return self._until_s


def invitation(config: WakeConfig) -> str:
    """What a person is told when the assistant begins to listen."""
    if config.mode == "push-to-talk":
        return "Ready. Send SIGUSR2, or use the talk button, and say what you want."
    if config.mode == "always" or not config.phrases:
        return "Listening."
    return f"Listening. Say “{config.phrases[0]}” and what you want."


def window_opened(config: WakeConfig, seconds: float) -> str:
    """What a person is told when they have so many seconds to begin."""
    rounded_s = math.ceil(round(seconds, 3))
    if config.mode == "push-to-talk":
        return f"Listening: begin within {rounded_s} s."
    return f"Listening: no wake phrase is needed for {rounded_s} s."


def window_ended(config: WakeConfig) -> str:
    """What they are told when it listens to nobody any more who does not call it."""
    if config.mode == "push-to-talk":
        return "Not listening any more. Use the talk button again."
    return f"Not listening any more. Say “{config.phrases[0]}” again." if config.phrases else "Not listening any more."
