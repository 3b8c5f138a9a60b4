"""From speech probabilities to utterances: one state machine for every voice-activity detector.

    quiet ── voiced frame ──► candidate ── enough voice: SpeechStarted ──► speaking ◄── voiced: SpeechResumed ──┐
      ▲                          │ silence                                     │ silence: SpeechPaused           │
      └──────────────────────────┴────────── long silence: SpeechEnded ◄───────┴─────────► paused ───────────────┘

It is pure: time comes from the frames, so recordings and live microphones give the same events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from assistant.config import VadConfig
from assistant.events import (
    AudioArray,
    AudioFrame,
    SpeechDiscarded,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    Utterance,
)

SpeechEvent: TypeAlias = SpeechStarted | SpeechPaused | SpeechResumed | SpeechEnded | SpeechDiscarded

HYSTERESIS = 0.15
"""How far the probability must fall below the threshold before a speaker counts as silent; half of the threshold where
that is less, or nobody would ever be silent with a low one."""


@dataclass(slots=True)
class _Recording:
    """An utterance in the making. Samples are written once and handed out as views, never copied again."""

    buffer: AudioArray
    length: int
    started_at_s: float
    voiced_until_s: float
    voiced_samples: int = 0
    silent_samples: int = 0
    confirmed: bool = False
    """Whether it is long enough to be speech, as what goes on with what was cut always is."""
    paused: Utterance | None = None
    end_samples: int | None = None
    """Silence that ends it, where what was said so far tells; None for the usual."""

    def append(self, samples: AudioArray) -> None:
        self.buffer[self.length : self.length + samples.size] = samples
        self.length += samples.size

    def utterance(self, at_s: float, sample_rate_hz: int) -> Utterance:
        samples = self.buffer[: self.length]
        return Utterance(at_s, samples, sample_rate_hz, self.started_at_s, self.voiced_until_s)


class Endpointer:
    """Decides when someone speaks and when they have finished.

    Memory is bounded by `max_utterance_s`. Frames are at most one second long.
    """

    def __init__(self, config: VadConfig, sample_rate_hz: int = 16000) -> None:
        self._threshold = config.threshold
        self._goes_on_threshold = max(config.threshold - HYSTERESIS, config.threshold / 2.0)
        self._sample_rate_hz = sample_rate_hz
        self._pre_roll_samples = self._samples(config.pre_roll_s)
        self._min_speech_samples = self._samples(config.min_speech_s)
        # An end that comes before the pause is announced by one all the same.
        self._pause_samples = self._samples(min(config.pause_s, config.end_silence_s))
        self._end_samples = self._samples(config.end_silence_s)
        self._max_samples = self._samples(config.max_utterance_s)
        self.reset()

    def reset(self) -> None:
        """Forget the sound so far and what was being said."""
        self._recent: AudioArray = np.zeros(0, np.float32)
        self._recording: _Recording | None = None

    @property
    def speaking(self) -> bool:
        """Whether an utterance has started and not ended; a pause counts as speaking."""
        return self._recording is not None and self._recording.confirmed

    def so_far(self, at_s: float) -> Utterance | None:
        """The utterance that is being spoken, as a view that stays valid; None in silence."""
        if self._recording is None or not self._recording.confirmed:
            return None
        return self._recording.utterance(at_s, self._sample_rate_hz)

    def end_after(self, silence_s: float, utterance: Utterance) -> None:
        """End the current pause after another silence than the usual, for what was said tells whether more will come.

        `utterance` is that of the pause; when the speaker has gone on since, nothing changes.
        """
        if self._recording is not None and self._recording.paused is utterance:
            self._recording.end_samples = max(self._pause_samples, self._samples(silence_s))

    def accept(self, frame: AudioFrame, probability: float, *, sooner_s: float = 0.0) -> list[SpeechEvent]:
        """Take the next frame and its speech probability; what happened, in order. So far, `sooner_s` less than
        `min_speech_s` is enough to be taken for speech."""
        recording = self._recording
        begins = recording is None or recording.paused
        voiced = probability >= (self._threshold if begins else self._goes_on_threshold)
        if recording is None:
            if not voiced:
                self._remember(frame.samples)
                return []
            begins_at_s = frame.at_s - frame.samples.size / self._sample_rate_hz
            recording = self._recording = self._begin(begins_at_s)
        recording.append(frame.samples)
        if voiced:
            recording.voiced_samples += frame.samples.size
            recording.silent_samples = 0
            recording.voiced_until_s = frame.at_s
        else:
            recording.silent_samples += frame.samples.size
        enough = self._min_speech_samples - self._samples(sooner_s)
        events = self._advance(recording, frame.at_s, voiced, enough)
        if recording.length >= self._pre_roll_samples + self._max_samples and self._recording is recording:
            events += self._cut(recording, frame.at_s, voiced)
        return events

    def flush(self, at_s: float) -> list[SpeechEvent]:
        """The sound is over (the end of a file, a cable that was pulled): end what is being said."""
        return self._finish(self._recording, at_s) if self._recording else []

    def discard(self, at_s: float) -> list[SpeechEvent]:
        """The microphone was closed on purpose: forget the sound so far and what was being said."""
        events: list[SpeechEvent] = [SpeechDiscarded(at_s)] if self.speaking else []
        self.reset()
        return events

    def _advance(self, recording: _Recording, at_s: float, voiced: bool, enough: int) -> list[SpeechEvent]:
        events: list[SpeechEvent] = []
        if voiced:
            if not recording.confirmed and recording.voiced_samples >= enough:
                recording.confirmed = True
                events.append(SpeechStarted(at_s))
            elif recording.paused:
                recording.paused = recording.end_samples = None
                events.append(SpeechResumed(at_s))
            return events
        if recording.silent_samples >= self._pause_samples and not recording.confirmed:
            return self._finish(recording, at_s)
        if recording.silent_samples >= self._pause_samples and not recording.paused:
            recording.paused = recording.utterance(at_s, self._sample_rate_hz)
            events.append(SpeechPaused(at_s, recording.paused))
        if recording.silent_samples >= (recording.end_samples or self._end_samples):
            events += self._finish(recording, at_s)
        return events

    def _cut(self, recording: _Recording, at_s: float, voiced: bool) -> list[SpeechEvent]:
        """End what has become too long. Where that is in mid-word, the word is whole in what comes next, and who says
        it is still speaking."""
        goes_on = voiced and recording.confirmed
        events = self._finish(recording, at_s, goes_on=goes_on)
        if recording.paused is None:
            self._remember(recording.buffer[: recording.length])
        if goes_on:
            self._recording = self._begin(at_s)
            self._recording.confirmed = True
            events.append(SpeechStarted(at_s))
        return events

    def _begin(self, at_s: float) -> _Recording:
        # One second of slack takes the frame that crosses the limit.
        capacity = self._pre_roll_samples + self._max_samples + self._sample_rate_hz
        recording = _Recording(np.empty(capacity, np.float32), 0, at_s, at_s)
        recording.append(self._recent)
        self._recent = self._recent[:0]
        return recording

    def _finish(self, recording: _Recording, at_s: float, *, goes_on: bool = False) -> list[SpeechEvent]:
        self._recording = None
        if not recording.confirmed:
            self._remember(recording.buffer[: recording.length])
            return []
        events: list[SpeechEvent] = []
        utterance = recording.paused
        if utterance is None:
            utterance = recording.utterance(at_s, self._sample_rate_hz)
            events.append(SpeechPaused(at_s, utterance))
        # Silence after the pause may hold the onset of the next utterance.
        self._remember(recording.buffer[utterance.samples.size : recording.length])
        events.append(SpeechEnded(at_s, replace(utterance, at_s=at_s, goes_on=goes_on)))
        return events

    def _remember(self, samples: AudioArray) -> None:
        # A slice from the front keeps an empty pre-roll empty, which [-0:] would not.
        recent = np.concatenate([self._recent, samples])
        self._recent = recent[max(0, recent.size - self._pre_roll_samples) :]

    def _samples(self, seconds: float) -> int:
        return round(seconds * self._sample_rate_hz)
