"""What the assistant makes of a recording on its own way from sound to texts: voice-activity detector, endpointing,
first stage, recogniser, phrase matcher."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from assistant.asr import RECOGNIZERS
from assistant.audio import SAMPLE_RATE_HZ
from assistant.audio.files import read_audio
from assistant.clock import LoopClock
from assistant.config import Config
from assistant.events import AudioArray, AudioFrame, SpeechEnded, Utterance
from assistant.models.store import ModelStore
from assistant.ports import Recognizer, VoiceActivityDetector, WakeWordDetector
from assistant.registry import resolve
from assistant.vad import DETECTORS
from assistant.vad.endpointing import Endpointer, SpeechEvent
from assistant.wake.attention import Attention
from assistant.wake.first_stage import open_first_stage
from assistant.wake.phrase import PhraseMatcher
from assistant.wake_curve.recordings import Labelled


class Ears:
    """The assistant's way from sound to texts that may wake it."""

    def __init__(self, config: Config, models: ModelStore) -> None:
        """Raises `ModelError` when a model is not there, and `ConfigError` for a phrase that the first stage does not
        know."""
        wake = config.wake.model_copy(update={"mode": "phrase"})  # which is what is measured
        config = config.model_copy(update={"wake": wake})
        self._vad, self._wake = config.vad, wake
        self._first_stage = open_first_stage(config, models)
        self._detector: VoiceActivityDetector = resolve(DETECTORS, config.vad.backend, kind="detector").create(
            config, models
        )
        self._recognizer: Recognizer = resolve(RECOGNIZERS, config.asr.backend, kind="recogniser").create(
            config, models
        )
        self._language = None if config.asr.language == "auto" else config.asr.language
        self._matcher = PhraseMatcher(wake.phrases, wake.match)

    def utterances(self, samples: AudioArray) -> Iterator[Utterance]:
        """What the voice-activity detector and the first stage let through of 16 kHz samples."""
        self._detector.reset()
        if self._first_stage is not None:
            self._first_stage.reset()
        endpointer = Endpointer(self._vad, SAMPLE_RATE_HZ)
        attention = Attention(self._wake, LoopClock())
        size, at_s = self._detector.frame_samples, 0.0
        for start in range(0, samples.size - size + 1, size):
            frame = AudioFrame(at_s := at_s + size / SAMPLE_RATE_HZ, samples[start : start + size], SAMPLE_RATE_HZ)
            if self._first_stage is not None and self._fires(self._first_stage, frame):
                attention.fired(frame.at_s)
            events = endpointer.accept(frame, self._detector.probability(frame.samples))
            yield from _meant(events, attention)
        yield from _meant(endpointer.flush(at_s), attention)

    def _fires(self, first_stage: WakeWordDetector, frame: AudioFrame) -> bool:
        return first_stage.process(frame.samples) >= self._wake.first_stage_threshold

    def heard(self, samples: AudioArray) -> list[tuple[str, float]]:
        """Each utterance's text, and how alike it is to a wake phrase (0 to 1)."""
        found = []
        for utterance in self.utterances(samples):
            stream = self._recognizer.open(self._language)
            stream.accept(utterance.samples)
            text = stream.result().text
            found.append((text, self._matcher.score(text)))
        return found

    def close(self) -> None:
        """Free the recogniser."""
        self._recognizer.close()


def _meant(events: list[SpeechEvent], attention: Attention) -> Iterator[Utterance]:
    for event in events:
        if isinstance(event, SpeechEnded) and attention.may_be_meant(event.utterance):
            yield event.utterance


def in_a_room(samples: AudioArray) -> AudioArray:
    """With a second of silence on both sides."""
    silence = np.zeros(SAMPLE_RATE_HZ, np.float32)
    return np.concatenate([silence, samples, silence])


@dataclass(frozen=True, slots=True)
class Heard:
    """What was made of one recording."""

    recording: Labelled
    seconds: float
    utterances: tuple[tuple[str, float], ...]
    """Text and score."""

    @property
    def score(self) -> float:
        """The best of its utterances; 0 when nothing was heard."""
        return max((score for _, score in self.utterances), default=0.0)


def hear(ears: Ears, recording: Labelled) -> Heard:
    """What is heard of a recording. Raises `MediaError` when it cannot be read."""
    samples = read_audio(recording.path)
    return Heard(recording, samples.size / SAMPLE_RATE_HZ, tuple(ears.heard(in_a_room(samples))))
