"""Recordings: reading any format to the pipeline's rate, writing WAV atomically."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from assistant.atomic import replace_file
from assistant.audio import SAMPLE_RATE_HZ
from assistant.errors import MediaError
from assistant.events import AudioArray

_SUPPORTED = "WAV, FLAC, OGG, MP3 and whatever else libsndfile reads"


def read_audio(path: Path, sample_rate_hz: int = SAMPLE_RATE_HZ) -> AudioArray:
    """Samples of a recording as float32 (n,) mono in [-1, 1] at `sample_rate_hz`.

    Channels are averaged. Raises `MediaError` naming the file when it is missing, unreadable or empty.
    """
    import soundfile

    if not path.is_file():
        raise MediaError(f"There is no recording at {path}.", remedy="Check the path.")
    try:
        samples, source_rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise MediaError(
            f"{path} is not a recording that can be read: {error.error_string}",
            remedy=f"Supported are {_SUPPORTED}.",
        ) from error
    if not len(samples):
        raise MediaError(f"{path} holds no sound: 0 samples.", remedy="Record it again.")
    mono: AudioArray = np.nan_to_num(samples.mean(axis=1, dtype=np.float32))
    # A float recording may exceed the range, and so does resampling where it is loudest.
    return np.clip(resample(mono, source_rate_hz, sample_rate_hz), -1.0, 1.0)


def resample(samples: AudioArray, from_hz: int, to_hz: int) -> AudioArray:
    """`samples` (n,) at another rate; the same array when the rates are equal."""
    if from_hz == to_hz:
        return samples
    import soxr

    resampled: AudioArray = soxr.resample(samples, from_hz, to_hz).astype(np.float32, copy=False)
    return resampled


def write_wav(path: Path, samples: AudioArray, sample_rate_hz: int, *, exact: bool = False) -> None:
    """Write float32 (n,) mono as a 16-bit WAV, or `exact`, as 32-bit floats; the file appears whole or not at all.
    Raises `OSError`."""
    import soundfile

    # By way of memory, because libsndfile does not tell why a file cannot be written.
    content = io.BytesIO()
    subtype = "FLOAT" if exact else "PCM_16"
    soundfile.write(content, np.clip(samples, -1.0, 1.0), sample_rate_hz, subtype=subtype, format="WAV")
    with replace_file(path) as temporary:
        temporary.write_bytes(content.getbuffer())
