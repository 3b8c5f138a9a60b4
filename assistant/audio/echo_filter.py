"""The path from speaker to microphone, learned: a Kalman filter in the frequency domain.

Partitioned-block frequency-domain adaptive filter whose step size follows from a state-space model: G. Enzner and
P. Vary, "Frequency-domain adaptive Kalman filter for acoustic echo control in hands-free telephones", Signal Processing
86(6), 2006, with the partitions of F. Kuech, E. Mabande and G. Enzner, "State-space architecture of the
partitioned-block-based acoustic echo controller", ICASSP 2014. Speech of someone else raises the error's power, which
lowers the step by itself: no double-talk detector is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.events import AudioArray

BLOCK = 256
PARTITIONS = 12
LENGTH = PARTITIONS * BLOCK
"""Samples of the learned response: 192 ms."""
_TRANSITION = np.float32(0.999)
"""How much of the path stays as it is from one block to the next: people move, clocks drift."""
_SMOOTHING = np.float32(0.8)
_DECAY = 0.6
"""By how much less energy the response is expected to have from one partition to the next: reverberation fades."""
_QUIETEST, _LOUDEST = 1e-4, 10.0
"""Energy that a response is expected to have at least, and at most."""


class EchoPath:
    """Predicts the echo of what is played."""

    def __init__(self) -> None:
        shape = (PARTITIONS, BLOCK + 1)
        self._weights = np.zeros(shape, np.complex64)
        self._uncertainty = np.ones(shape, np.float32)
        self._spectra = np.zeros(shape, np.complex64)
        self._error_power = np.full(BLOCK + 1, 1e-3, np.float32)

    def expect(self, energy: float) -> None:
        """Before anything is learned: the response has about this energy, which is the power of the echo over that of
        what is played. One that is expected to be louder, or to last longer, than it does overshoots for a second."""
        if not self._weights.any():
            profile = np.float32(_DECAY) ** np.arange(PARTITIONS, dtype=np.float32)
            self._uncertainty[:] = min(max(energy, _QUIETEST), _LOUDEST) * profile[:, np.newaxis]

    def refill(self, played: AudioArray) -> None:
        """Take the last (PARTITIONS + 1) · BLOCK samples anew, after the time line was moved."""
        blocks = np.lib.stride_tricks.sliding_window_view(played, 2 * BLOCK)[::BLOCK][::-1]
        self._spectra[:] = np.fft.rfft(blocks, axis=1)

    def predict(self, played: AudioArray) -> AudioArray:
        """The echo in the next block, of the (2 · BLOCK,) samples played up to its end."""
        self._spectra[1:] = self._spectra[:-1]
        self._spectra[0] = np.fft.rfft(played)
        return np.fft.irfft(np.einsum("pk,pk->k", self._weights, self._spectra))[BLOCK:].astype(np.float32)

    def adapt(self, error: AudioArray) -> None:
        """Learn from what the prediction left of the block."""
        spectrum = np.fft.rfft(np.concatenate([np.zeros(BLOCK, np.float32), error])).astype(np.complex64)
        self._error_power *= _SMOOTHING
        self._error_power += (1 - _SMOOTHING) * _power(spectrum)
        played_power = _power(self._spectra)
        innovation = (
            0.5 * np.einsum("pk,pk->k", self._uncertainty, played_power) + self._error_power + np.float32(1e-10)
        )
        step = self._uncertainty / innovation
        change = np.fft.irfft(step * self._spectra.conj() * spectrum, axis=1)
        change[:, BLOCK:] = 0.0
        self._weights += np.fft.rfft(change, axis=1)
        self._uncertainty *= _TRANSITION**2 * (1 - 0.5 * step * played_power)
        self._uncertainty += (1 - _TRANSITION**2) * _power(self._weights)

    def learned(self) -> dict[str, npt.NDArray[np.complex64] | npt.NDArray[np.float32]]:
        """The path as views, for `recall`."""
        return {"weights": self._weights, "uncertainty": self._uncertainty}

    def recall(self, learned: Mapping[str, npt.NDArray[Any]]) -> None:
        """Know the path that another one had learned. Raises `ValueError` or `KeyError` when it is no such thing."""
        for name, values in self.learned().items():
            restore(values, learned[name])

    def response(self) -> AudioArray:
        """The learned impulse response, (PARTITIONS · BLOCK,)."""
        return np.fft.irfft(self._weights, axis=1)[:, :BLOCK].reshape(-1).astype(np.float32)

    def shift(self, samples: int) -> None:
        """Delay the learned response by so many samples, or advance it if they are negative."""
        response = self.response()
        moved = np.zeros_like(response)
        source = response[max(0, -samples) : len(response) - max(0, samples)]
        moved[max(0, samples) : max(0, samples) + len(source)] = source
        self._weights[:] = np.fft.rfft(moved.reshape(PARTITIONS, BLOCK), 2 * BLOCK, axis=1)


def restore(values: npt.NDArray[Any], kept: npt.NDArray[Any]) -> None:
    """Fill `values` with what was kept of such an array. Raises `ValueError` when that is something else."""
    if kept.shape != values.shape or kept.dtype != values.dtype or not np.isfinite(kept).all():
        raise ValueError(
            f"{kept.dtype} of shape {kept.shape} was kept where {values.dtype} of {values.shape} is needed"
        )
    values[...] = kept


def _power(spectrum: npt.NDArray[np.complex64]) -> npt.NDArray[np.float32]:
    return spectrum.real**2 + spectrum.imag**2
