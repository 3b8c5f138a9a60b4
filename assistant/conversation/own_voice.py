"""The assistant's own voice: when it is heard, and whether what the microphone heard is perhaps nothing else."""

from __future__ import annotations

import numpy as np

from assistant.audio.echo import EchoGuard
from assistant.audio.sound_devices import without_address
from assistant.conversation.audible import LINGERS_S, AudibleTimes
from assistant.dialogue.own_words import echoes, ends_with
from assistant.events import AudioArray, Utterance
from assistant.ports import AudioSink, Clock, Onset
from assistant.tts.finishing import sounding_s

_ONSET_S = 0.5
"""Longest time from the first sound of speech to `SpeechStarted`."""


class OwnVoice:
    """As it leaves through the sink."""

    def __init__(self, guard: EchoGuard | None, sink: AudioSink, clock: Clock) -> None:
        """`guard` is told what is played and when."""
        self._guard = guard
        self._sink = sink
        self._clock = clock
        self._heard = AudibleTimes()

    @property
    def is_over(self) -> bool:
        """Whether nothing but silence is left of what was given to the speaker."""
        return self._clock.monotonic_s() >= self._heard.until_s

    @property
    def lingers(self) -> bool:
        """Whether it is heard, or was so lately that it counts as being heard."""
        return self._clock.monotonic_s() < self._heard.until_s + LINGERS_S

    def begin(self, onset: Onset, samples: AudioArray, sample_rate_hz: int) -> None:
        """A chunk, (n,) float32, or the rest of one, begins to be heard."""
        self._heard.add(onset.at_s, onset.at_s + sounding_s(samples, sample_rate_hz))
        if self._guard is not None:
            self._guard.play_through(without_address(self._sink.name))
            played = np.multiply(samples, self._sink.volume, dtype=np.float32)
            self._guard.reference(onset.at_s, played, sample_rate_hz, run=onset.run)

    def stop(self) -> None:
        """Silence the speaker at once."""
        self._sink.stop()
        if self._guard is not None:
            self._guard.cut(self._clock.monotonic_s())

    def fell_silent(self, *, heard_out: bool) -> None:
        """What was being heard is over; `heard_out` tells that it was heard to its end."""
        if heard_out:
            self._heard.end()
        else:
            self._heard.cut(self._clock.monotonic_s())

    def overlaps(self, utterance: Utterance) -> bool:
        """Whether it was heard while the person spoke. What begins with its last sound answers it."""
        return self._heard.overlap(utterance)

    def may_have_said(self, text: str, words: str, utterance: Utterance, *, asks: bool) -> bool:
        """Whether `text` may be a piece of `words`, its own newest, or the end of them that was heard late. It is none
        where nothing of a reply reaches the microphone; nor if it was evidently more than an echo and `asks` for
        something, or the reply had ended."""
        late = not self.overlaps(utterance)
        if late and not self._heard.trailed_by(utterance):
            return False
        if self._is_someone(utterance, evidence_counts=asks or late):
            return False
        return ends_with(text, words) if late else echoes(text, words)

    def _is_someone(self, utterance: Utterance, *, evidence_counts: bool) -> bool:
        """Whether the guard knows that somebody else spoke: nothing of a reply could be heard, or, if that counts, it
        was evidently more than an echo."""
        if self._guard is None:
            return False
        unheard = self._guard.unheard_at_s + _ONSET_S >= utterance.started_at_s
        evident = utterance.started_at_s <= self._guard.evident_at_s <= utterance.ended_at_s + _ONSET_S
        return unheard or (evident and evidence_counts)
