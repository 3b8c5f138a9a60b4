"""What Whisper hears: the logarithm of the power in bands that are spaced like the ear's.

As in https://github.com/openai/whisper/blob/v20240930/whisper/audio.py, with the bands of Slaney's Auditory Toolbox.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assistant.events import AudioArray

SAMPLE_RATE_HZ = 16_000
HOP_SAMPLES = 160
_WINDOW_SAMPLES = 400
_LINEAR_HZ, _LINEAR_MELS = 1000.0, 15.0
"""Up to here bands are equally wide; above, each is wider than the last by one and the same factor."""
_MELS_PER_E = 27.0 / np.log(6.4)
_RANGE_DECADES = 8.0
"""Powers of ten below the loudest point that are kept."""


class LogMel:
    """Log-mel spectrograms of sound at 16 kHz."""

    def __init__(self, bands: int) -> None:
        self._filters = _filters(bands)
        self._window = np.hanning(_WINDOW_SAMPLES + 1)[:-1].astype(np.float32)

    def __call__(self, samples: AudioArray) -> npt.NDArray[np.float32]:
        """(bands, n // 160) of float32 samples (n,), about -1 to 1."""
        padded = np.pad(samples, _WINDOW_SAMPLES // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)[::HOP_SAMPLES]
        spectrum = np.fft.rfft(frames[: samples.size // HOP_SAMPLES] * self._window)
        power = np.square(np.abs(spectrum)).astype(np.float32)
        bands = np.log10(np.maximum(self._filters @ power.T, 1e-10))
        found: npt.NDArray[np.float32] = (np.maximum(bands, bands.max() - _RANGE_DECADES) + 4.0) / 4.0
        return found


def _filters(bands: int) -> npt.NDArray[np.float32]:
    """Triangles (bands, 201) over the spectrum's bins, each of the same area."""
    highest = _LINEAR_MELS + _MELS_PER_E * np.log(SAMPLE_RATE_HZ / 2 / _LINEAR_HZ)
    edges_hz = _hz_from_mels(np.linspace(0.0, highest, bands + 2))
    low, middle, high = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    bins_hz = np.fft.rfftfreq(_WINDOW_SAMPLES, 1.0 / SAMPLE_RATE_HZ)
    triangles = np.minimum((bins_hz - low) / (middle - low), (high - bins_hz) / (high - middle))
    return np.asarray(np.maximum(triangles, 0.0) * 2.0 / (high - low), np.float32)


def _hz_from_mels(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    above = _LINEAR_HZ * np.exp((mels - _LINEAR_MELS) / _MELS_PER_E)
    return np.where(mels < _LINEAR_MELS, mels * _LINEAR_HZ / _LINEAR_MELS, above)
