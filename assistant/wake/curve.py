"""How often the wake phrase is missed, and heard where nobody said it, over the thresholds of `wake.match`.

Recordings go the assistant's own way: voice-activity detector, endpointing, first stage, recogniser, phrase matcher.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.asr import RECOGNIZERS
from assistant.audio import SAMPLE_RATE_HZ
from assistant.audio.files import read_audio
from assistant.clock import LoopClock
from assistant.config import Config
from assistant.errors import MediaError
from assistant.events import AudioArray, AudioFrame, SpeechEnded, Utterance
from assistant.models.store import ModelStore
from assistant.ports import Recognizer, VoiceActivityDetector, WakeWordDetector
from assistant.registry import resolve
from assistant.vad import DETECTORS
from assistant.vad.endpointing import Endpointer, SpeechEvent
from assistant.wake.attention import Attention
from assistant.wake.first_stage import open_first_stage
from assistant.wake.phrase import PhraseMatcher

THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(11))
LABELS = {True: frozenset({"positive", "wake", "yes", "1"}), False: frozenset({"negative", "other", "no", "0"})}
"""Names of subfolders, and values in the column `label` of a CSV file."""
_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif"})
_LAYOUT = (
    "A folder has the subfolders `positive` (each recording holds the wake phrase once) and `negative` (none does), or "
    "a file `labels.csv` with the columns `file` and `label` (positive or negative)."
)


class Ears:
    """The assistant's way from sound to texts that may wake it."""

    def __init__(self, config: Config, models: ModelStore) -> None:
        """Raises `ModelError` when a model is not there, and `ConfigError` for a phrase that the first stage does not
        know."""
        self._vad = config.vad
        self._wake = config.wake.model_copy(update={"mode": "phrase"})  # which is what is measured
        self._first_stage = open_first_stage(config, models)
        self._detector: VoiceActivityDetector = resolve(DETECTORS, config.vad.backend, kind="detector").create(
            config, models
        )
        self._recognizer: Recognizer = resolve(RECOGNIZERS, config.asr.backend, kind="recogniser").create(
            config, models
        )
        self._language = None if config.asr.language == "auto" else config.asr.language
        self._matcher = PhraseMatcher(config.wake.phrases, config.wake.match)

    def utterances(self, samples: AudioArray) -> Iterator[Utterance]:
        """What the voice-activity detector and the first stage let through of 16 kHz samples."""
        self._detector.reset()
        if self._first_stage is not None:
            self._first_stage.reset()
        endpointer = Endpointer(self._vad, SAMPLE_RATE_HZ)
        attention = Attention(self._wake, self._matcher, LoopClock())
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
class Labelled:
    """A recording, and whether the phrase is in it."""

    path: Path
    positive: bool


def recordings_in(folder: Path) -> list[Labelled]:
    """The labelled recordings of a folder. Raises `MediaError` when it has none, a label is not understood, or one is
    not there."""
    table = folder if folder.is_file() else folder / "labels.csv"
    found = list(_of_table(table)) if table.is_file() else list(_of_folders(folder))
    if not found:
        raise MediaError(f"There are no labelled recordings in {folder}.", remedy=_LAYOUT)
    return found


def _of_folders(folder: Path) -> Iterator[Labelled]:
    for positive, names in LABELS.items():
        for name in sorted(names):
            for path in sorted((folder / name).rglob("*")):
                if path.suffix.lower() in _SUFFIXES and path.is_file():
                    yield Labelled(path, positive)


def _of_table(table: Path) -> Iterator[Labelled]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MediaError(f"{table} cannot be read: {error}.", remedy=_LAYOUT) from error
    for number, row in enumerate(rows, 2):
        name, label = row.get("file"), (row.get("label") or "").strip().lower()
        positive = next((positive for positive, names in LABELS.items() if label in names), None)
        if not name or positive is None:
            raise MediaError(f"{table}:{number}: file is {name!r} and label is {label!r}.", remedy=_LAYOUT)
        path = table.parent / name
        if not path.is_file():
            raise MediaError(f"{table}:{number}: there is no recording at {path}.", remedy="Correct the line.")
        yield Labelled(path, positive)


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


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold."""

    threshold: float
    missed: int
    miss_rate: float | None
    """0 to 1; None without positive recordings."""
    false_accepts: int
    false_accepts_per_hour: float | None
    """None without negative recordings."""
    at_most_per_hour: float | None
    """The upper end of its 95 % confidence interval."""


def curve(heard: Sequence[Heard], thresholds: Iterable[float] = THRESHOLDS) -> list[Point]:
    """Misses and false accepts at each threshold."""
    positive = [item for item in heard if item.recording.positive]
    negative = [item for item in heard if not item.recording.positive]
    hours = sum(item.seconds for item in negative) / 3600
    points = []
    for threshold in thresholds:
        missed = sum(item.score < threshold for item in positive)
        false = sum(score >= threshold for item in negative for _, score in item.utterances)
        points.append(
            Point(
                threshold,
                missed,
                missed / len(positive) if positive else None,
                false,
                false / hours if hours else None,
                upper_bound(false) / hours if hours else None,
            )
        )
    return points


def upper_bound(count: int) -> float:
    """The upper end of the one-sided 95 % confidence interval of a Poisson count: 3.0 for none seen.

    Wilson and Hilferty's approximation of the chi-squared quantile; off by less than 1 %.
    """
    events = count + 1
    return float(events * (1 - 1 / (9 * events) + 1.6449 / (3 * math.sqrt(events))) ** 3)
