"""A reply's beginning, when nobody knows yet how late its echo comes, but the path to the microphone is known.

However late it is, an echo is what the path makes of what is played. What is none at any delay is somebody else, even
before the echo comes; or the path is another one by now, for something was moved. So it counts only once the path has
proved itself on this reply: one that is right leaves next to nothing of a word, another one fails every few frames.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from assistant.audio.echo_bands import BANDS, TINY, Bands, FramePowers, db, excess_db, with_distortion
from assistant.audio.echo_delay import fast_size
from assistant.audio.echo_delays import REVERBERATION
from assistant.audio.echo_reference import excerpt
from assistant.events import AudioArray

_TRUSTED_FRAMES = 10
"""Frames in a row with an echo that is explained entirely, after which the path is trusted. One that has changed behind
its direct sound explains eight at most, in simulated rooms."""
_MOST_FRAMES = 80
"""Frames after which it is given up: 2.6 s."""
_ENTIRELY_DB = 0.05
"""Mean excess over the bound up to which a frame is explained entirely."""
_SHARE_AUDIBLE = 0.4
"""Share of the bands in which an echo makes a frame one with an echo."""
_MOST_GAIN = 5.0
"""By how much louder than the path says an echo may be: the microphone may have been turned up."""
_NEARBY = np.arange(-4.0, 4.0, 0.125)
"""Fractions of a sample around the best whole one that are tried: at 6 kHz a period has less than three, so that the
best whole one may be a period off."""
_MARGIN = 64
"""Samples around an excerpt that is shifted, for that wraps around."""


class Beginning:
    """Judges the frames of a reply until its place is known."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Another reply begins."""
        self._tail = np.full(BANDS, TINY, np.float32)
        self._frames, self._explained_frames = 0, 0
        """Judged so far, and explained in a row up to now."""
        self.trusted = False
        """Whether the path has proved itself on this reply."""

    @property
    def over(self) -> bool:
        """Whether nothing is to be expected of it any more: the path is another, or nothing of the reply is heard."""
        return self._frames >= _MOST_FRAMES

    def unexplained_db(self, closest: FramePowers, bound_db: Bands, floor_db: Bands) -> float:
        """By how much more is left of a frame than the path leaves of an echo, on average over the bands.

        `closest` are the powers with the echo at the delay that explains most, `bound_db` is what the path leaves over
        what it predicts, at most.
        """
        self._frames += 1
        np.maximum(with_distortion(closest.predicted), self._tail * REVERBERATION, out=self._tail)
        excess = float(excess_db(closest.residual, db(self._tail) + bound_db, floor_db))
        with_echo = (db(self._tail) > floor_db).mean() > _SHARE_AUDIBLE
        if excess >= _ENTIRELY_DB:
            self._explained_frames = 0
        elif with_echo:
            self._explained_frames += 1
        self.trusted = self.trusted or self._explained_frames >= _TRUSTED_FRAMES
        return excess


def most_of(heard: AudioArray, played: AudioArray, response: AudioArray) -> AudioArray:
    """The most of `heard` (n,) that can be an echo of `played` (m,), m ≥ n + k, by the room's `response` (k,): as late
    and as loud as explains most; (n,)."""
    size = fast_size(len(played) + len(response))
    echo = np.fft.irfft(np.fft.rfft(played, size) * np.fft.rfft(response, size), size)[len(response) : len(played)]
    count = len(echo) - len(heard) + 1
    products = np.fft.irfft(np.fft.rfft(echo, size) * np.fft.rfft(heard, size).conj(), size)[:count]
    sums = np.concatenate([[0.0], np.cumsum(echo**2)])
    place = int(np.argmax(_removed(products, sums[len(heard) :] - sums[:count])))
    shifted = _shifted(excerpt(echo.astype(np.float32), place - _MARGIN, len(heard) + 2 * _MARGIN))
    products, energies = shifted @ heard, np.sum(shifted**2, axis=1)
    best = int(np.argmax(_removed(products, energies)))
    closest: AudioArray = (_gain(products, energies)[best] * shifted[best]).astype(np.float32)
    return closest


def _shifted(around: AudioArray) -> npt.NDArray[np.float64]:
    """An excerpt without its margins, at each of the fractional places nearby."""
    return np.fft.irfft(np.fft.rfft(around) * _turns(len(around)), len(around))[:, _MARGIN:-_MARGIN]


@cache
def _turns(count: int) -> npt.NDArray[np.complex64]:
    """What shifts the spectrum of so many samples to the places nearby; always of the same length in use."""
    return np.exp(2j * np.pi * np.outer(_NEARBY, np.arange(count // 2 + 1) / count)).astype(np.complex64)


def _removed(products: npt.NDArray[np.float64], energies: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """By how much less energy is left after subtracting an echo as loud as fits best, of its product with what is heard
    and its energy."""
    gain = _gain(products, energies)
    return gain * (2.0 * products - gain * energies)


def _gain(products: npt.NDArray[np.float64], energies: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    gain: npt.NDArray[np.float64] = np.clip(products / (energies + 1e-9), 0.0, _MOST_GAIN)
    return gain
