"""Recordings as the log-mel spectrograms that Whisper was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.audio.files import read_audio
from export.generator.shapes import SoundInput
from export.recipe import Array

_HOP_SAMPLES = 160


def spectrogram(path: Path, shape: SoundInput, *, late: bool) -> Array:
    """The beginning of a recording, or (`late`) its second half, float32 (1, mels, frames), silence after it."""
    from faster_whisper.feature_extractor import FeatureExtractor

    sound = read_audio(path)
    if late:
        sound = sound[len(sound) // 2 :]
    samples = shape.frames * _HOP_SAMPLES
    padded = np.pad(sound[:samples], (0, max(0, samples - len(sound))))
    features = FeatureExtractor(feature_size=shape.mels)(padded, padding=0)
    found: Array = np.ascontiguousarray(features[np.newaxis, :, : shape.frames], np.float32)
    return found
