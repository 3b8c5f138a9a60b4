"""Where in a played sound the microphone is: generalised cross-correlation.

C. Knapp and G. Carter, "The generalized correlation method for estimation of time delay", 1976. The spectrum is
whitened, so that neither the voice's formants nor the room's resonances widen the peak.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.audio import SAMPLE_RATE_HZ
from assistant.events import AudioArray

_BAND_HZ = (250.0, 5000.0)
_WHITENING = 0.8
"""1 is PHAT; a little less trusts the loud parts of the spectrum more."""


@dataclass(frozen=True, slots=True)
class Delay:
    """A place in a longer sound."""

    offset: float
    """Samples from its beginning."""
    clarity: float
    """The peak of the correlation over the root mean square of all candidates. Chance alone reaches 4 to 5."""


def find_delay(heard: AudioArray, played: AudioArray, response: AudioArray) -> tuple[Delay, Delay]:
    """Where in `played` (m,) the sound `heard` (n,), n ≤ m, begins: by itself, and as the room's learned `response`
    (k,) would make it sound."""
    size = fast_size(len(played) + len(response))
    cross = np.fft.rfft(played, size) * np.fft.rfft(heard, size).conj()
    count = len(played) - len(heard) + 1
    return _peak(cross, count), _peak(cross * np.fft.rfft(response, size), count)


def _peak(cross: npt.NDArray[np.complexfloating], count: int) -> Delay:
    size = 2 * (len(cross) - 1)
    frequency_hz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    magnitude = np.abs(cross)
    weight = (magnitude + 1e-6 * magnitude.max() + 1e-20) ** -_WHITENING
    weight[(frequency_hz < _BAND_HZ[0]) | (frequency_hz > _BAND_HZ[1])] = 0.0
    correlation = np.abs(np.fft.irfft(cross * weight, size)[:count])
    peak = int(np.argmax(correlation))
    clarity = float(correlation[peak] / (np.sqrt(np.mean(correlation**2)) + 1e-20))
    if not 0 < peak < count - 1:
        return Delay(float(peak), clarity)
    before, top, after = (float(value) for value in correlation[peak - 1 : peak + 2])
    # The vertex of the parabola through the peak and its neighbours.
    return Delay(peak + 0.5 * (before - after) / (before - 2 * top + after - 1e-20), clarity)


def fast_size(count: int) -> int:
    """The next size that a Fourier transform likes: 2^n or 3·2^n."""
    power: int = 1 << (count - 1).bit_length()
    return 3 * power // 4 if 3 * power // 4 >= count else power
