"""How long this speaker pauses in the middle of what they say: whoever thinks long is waited for longer."""

from __future__ import annotations

from collections import OrderedDict, deque

from assistant.config import VadConfig
from assistant.events import SpeechContinued, SpeechDiscarded, SpeechEnded, SpeechPaused, SpeechResumed, Utterance
from assistant.vad.endpointing import SpeechEvent

_REMEMBERED = 20
_KNOWN_FROM = 3
"""Pauses after which anything is known of a speaker."""
_SHARE = 0.85
"""Share of the pauses that shall not end an utterance. Measured by `bench.endpointing`: 0.75 cuts off more often, and
a margin on top costs more delay than it saves."""
_UNDECIDED = 4
"""Utterances that may wait to be learned from."""


class PauseHabits:
    """The last pauses after which the speaker went on. An utterance without any counts as one of no length, so that a
    hesitant moment is forgotten."""

    def __init__(self, config: VadConfig) -> None:
        self._config = config
        self._pauses_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._silent_since_s: float | None = None
        self._this: list[float] = []
        self._undecided: OrderedDict[float, list[float]] = OrderedDict()

    def note(self, event: SpeechEvent | SpeechContinued) -> None:
        """Something was heard, from whomever."""
        if isinstance(event, SpeechPaused):
            self._silent_since_s = event.utterance.ended_at_s
        elif isinstance(event, SpeechResumed) and self._silent_since_s is not None:
            self._this.append(event.at_s - self._silent_since_s)
        elif isinstance(event, SpeechEnded):
            self._undecided[event.utterance.started_at_s] = self._this
            self._this = []
            while len(self._undecided) > _UNDECIDED:
                self._undecided.popitem(last=False)
        elif isinstance(event, SpeechDiscarded):
            self._this = []

    def learn(self, utterance: Utterance, cut_off_s: float | None = None) -> None:
        """It was said to the assistant: a television's pauses say nothing about anybody here. `cut_off_s` is the pause
        before it, if that was taken for the end of what it goes on with."""
        pauses_s = self._undecided.pop(utterance.started_at_s, [])
        if cut_off_s is not None:
            pauses_s = [cut_off_s, *pauses_s]
        self._pauses_s.extend(pauses_s or [0.0])

    @property
    def longest_s(self) -> float:
        """The silence that ends an utterance of which nobody knows yet what was said."""
        return max(self._config.end_silence_s, self._config.end_silence_unfinished_s)

    @property
    def usual_s(self) -> float:
        """The silence that ends one whose words do not tell."""
        return self.end_silence_s(self._config.end_silence_s)

    def end_silence_s(self, wanted_s: float) -> float:
        """The silence that ends an utterance for which `wanted_s` would be right if nothing were known of the speaker;
        at most `vad.end_silence_unfinished_s`, unless that much was wanted."""
        if len(self._pauses_s) < _KNOWN_FROM:
            return wanted_s
        usual_s = sorted(self._pauses_s)[int(_SHARE * len(self._pauses_s))]
        return max(wanted_s, min(usual_s, self._config.end_silence_unfinished_s))
