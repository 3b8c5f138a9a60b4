"""Labelled recordings as evidence for a fusion: what the assistant's own channels say of every sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.config import Config
from assistant.emotion import CHANNELS as CHANNEL_REGISTRY
from assistant.emotion.fusion_network import CHANNELS
from assistant.errors import ConfigError, ModelMissingError
from assistant.events import EMOTION_LABELS, EmotionEstimate, Transcript, Utterance, VideoFrame
from assistant.models.store import ModelStore
from assistant.ports import EmotionEvidence, FaceEvidence
from assistant.registry import resolve
from assistant.vision.blazeface import BlazeFaceDetector
from export.train.folders import Sample, read_folder
from export.train.fusion import FusionData
from export.train.generator import Moments
from export.train.media import SAMPLE_RATE_HZ, each_readable, picture, recording
from export.train.splits import PARTS, split_by_speaker

_LABELS: tuple[str, ...] = EMOTION_LABELS
_FAR_APART_S = 1000.0
"""Between samples, so that the face channel does not smooth one into the next."""


def fusion_data(folder: Path, layout: str, seed: int, tell: Callable[[str], None]) -> FusionData:
    """Moments of the folder's samples, split by speaker. Samples of which no channel says anything are left out.
    Raises `ConfigError` for a part in which that is all of them."""
    samples = read_folder(folder, layout)
    split = split_by_speaker(samples, seed)
    witness = _Witness(ModelStore(), tell)
    parts = []
    people: npt.NDArray[np.intp] = np.zeros(0, np.intp)
    for part, places in zip(PARTS, (split.train, split.validation, split.test), strict=True):
        kept, said = each_readable([samples[place] for place in places], witness.opinions, tell)
        some = [place for place, estimates in enumerate(said) if estimates]
        if not some:
            raise ConfigError(
                f"Of none of the {len(places)} samples for {part} any channel says anything.",
                remedy="Add samples with a face, with words of feeling, or with four sentences or more of a person: "
                "the voice channel first has to hear what is normal for them.",
            )
        parts.append(_moments([kept[place] for place in some], [said[place] for place in some]))
        _, people = np.unique([kept[place].speaker for place in some], return_inverse=True)
    description = f"{len(samples)} samples of {folder.name} ({layout}), split by speaker"
    return FusionData(parts[0], parts[1], parts[2], description, groups=people.astype(np.int64))


class _Witness:
    """Asks each channel about each sample; the voice channel of the person, for it learns what is normal for one."""

    def __init__(self, store: ModelStore, tell: Callable[[str], None]) -> None:
        self._store = store
        self._channels: dict[str, Any] = {}
        self._voices: dict[str, Any] = {}
        self._number = 0
        for name in CHANNELS:
            try:
                self._channels[name] = self._create(name)
            except ModelMissingError as error:
                tell(f"without {name}: {error}")
        self._faces = BlazeFaceDetector.create(Config(), store) if "face" in self._channels else None

    def opinions(self, sample: Sample) -> dict[str, EmotionEstimate]:
        """By channel."""
        self._number += 1
        at_s = self._number * _FAR_APART_S
        evidence: dict[str, Any] = {}
        if sample.image is not None and self._faces is not None:
            frame = VideoFrame(at_s, picture(sample.image))
            faces = self._faces.detect(frame)
            if faces:
                evidence["face"] = FaceEvidence(frame, max(faces, key=lambda face: face.box.area))
        if sample.audio is not None:
            samples = recording(sample.audio)
            evidence["voice"] = Utterance(at_s, samples, SAMPLE_RATE_HZ, at_s - len(samples) / SAMPLE_RATE_HZ, at_s)
        if sample.text is not None:
            evidence["text"] = Transcript(at_s, 0, sample.text, sample.language, 1.0, True)
        said = {
            name: self._channel(name, sample.speaker).estimate(item)
            for name, item in evidence.items()
            if name in self._channels
        }
        return {name: estimate for name, estimate in said.items() if estimate is not None}

    def _create(self, name: str) -> Any:
        return resolve(CHANNEL_REGISTRY, name, kind="emotion channel").create(Config(), self._store)

    def _channel(self, name: str, speaker: str) -> Any:
        if name != "voice":
            return self._channels[name]
        if speaker not in self._voices:
            self._voices[speaker] = self._create(name)
        return self._voices[speaker]


def _moments(samples: Sequence[Sample], said: Sequence[dict[str, EmotionEstimate]]) -> Moments:
    n, c = len(samples), len(CHANNELS)
    probabilities = np.full((n, c, len(_LABELS)), 1.0 / len(_LABELS))
    confidence, present = np.zeros((n, c)), np.zeros((n, c), dtype=bool)
    for row, estimates in enumerate(said):
        for name, estimate in estimates.items():
            cell = row, CHANNELS.index(name)
            probabilities[cell], confidence[cell], present[cell] = estimate.probabilities, estimate.confidence, True
    truth = np.array([_LABELS.index(sample.label) for sample in samples], np.int64)
    return Moments(EmotionEvidence(probabilities, confidence, np.zeros((n, c)), present), truth, probabilities)
