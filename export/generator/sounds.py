"""Recordings as the log-mel spectrograms that Whisper was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.asr.mel import HOP_SAMPLES, LogMel
from assistant.audio.files import read_audio
from export.generator.shapes import SoundInput
from export.recipe import Array


def spectrogram(path: Path, shape: SoundInput, *, late: bool) -> Array:
    """The beginning of a recording, or (`late`) its second half, float32 (1, mels, frames), silence after it."""
    sound = read_audio(path)
    if late:
        sound = sound[len(sound) // 2 :]
    samples = shape.frames * HOP_SAMPLES
    padded = np.pad(sound[:samples], (0, max(0, samples - len(sound))))
    found: Array = LogMel(shape.mels)(padded)[np.newaxis, :, : shape.frames]
    return found
