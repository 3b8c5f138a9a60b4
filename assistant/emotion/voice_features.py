"""An utterance as a vector for a voice network: prosody, and means and deviations of 24 mel bands.

The same for training and for the device.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assistant.emotion.prosody import FEATURES, Prosody, analyse, narrow
from assistant.events import AudioArray

_BANDS = 24
_FFT, _HOP = 256, 80
SIZE = len(FEATURES) + 3 * _BANDS


def voice_features(samples: AudioArray, sample_rate_hz: int) -> tuple[npt.NDArray[np.float32], Prosody] | None:
    """float32, shape (79,), and the prosody in it; None when hardly anything is voiced.

    Level is taken out: how far a microphone is says nothing about a person.
    """
    prosody = analyse(samples, sample_rate_hz)
    if prosody is None:
        return None
    signal, rate_hz = narrow(np.nan_to_num(np.asarray(samples, np.float32)), sample_rate_hz)
    frames = np.lib.stride_tricks.sliding_window_view(signal, _FFT)[::_HOP] * np.hanning(_FFT)
    power = np.square(np.abs(np.fft.rfft(frames, axis=1)))
    bands = np.log(power @ _mel_bands(rate_hz).T + 1e-8)
    loud = bands[bands.mean(axis=1) >= np.median(bands.mean(axis=1))]
    change = np.abs(np.diff(bands, axis=0)).mean(axis=0) if len(bands) > 1 else np.zeros(_BANDS)
    spectrum = loud.mean(axis=0) - loud.mean()
    vector = np.concatenate([prosody.vector, spectrum, loud.std(axis=0), change])
    vector[FEATURES.index("level")] = 0.0
    return vector.astype(np.float32), prosody


def _mel_bands(rate_hz: float) -> npt.NDArray[np.float64]:
    """Triangles between 60 Hz and 3.8 kHz, evenly spaced in mel; shape (24, 129)."""
    low, high = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (60.0, 3800.0))
    edges_hz = 700.0 * (10.0 ** (np.linspace(low, high, _BANDS + 2) / 2595.0) - 1.0)
    bins_hz = np.arange(_FFT // 2 + 1) * rate_hz / _FFT
    left, middle, right = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising, falling = (bins_hz - left) / (middle - left), (right - bins_hz) / (right - middle)
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)))
