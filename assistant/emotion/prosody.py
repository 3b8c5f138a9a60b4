"""How something was said, in seven numbers: pitch, melody, loudness, dynamics, tempo, spectral balance, voice quality.

numpy only, vectorised over frames. All work is done at about 8 kHz, so that a telephone's band and a microphone's give
the same features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.events import AudioArray

FloatArray = npt.NDArray[np.float32]

FEATURES = ("pitch", "melody", "level", "dynamics", "tempo", "brightness", "harmonicity")
"""Order of `Prosody.vector`."""

_RATE_HZ = 8000
_HOP_S = 0.010
_LOWEST_HZ, _HIGHEST_HZ = 65.0, 500.0
_YIN_WINDOW = 248
_YIN_THRESHOLD = 0.15
_VOICED_BELOW = 0.25
_FFT = 512
_NUCLEUS_DIP_DB = 2.0
_CLIPPED_AT = 0.985


@dataclass(frozen=True, slots=True)
class Prosody:
    """Features of one utterance, and what they are worth."""

    vector: npt.NDArray[np.float64]
    """Shape (7,), in the order of `FEATURES`: median F0 in octaves re 1 Hz; F0 spread (10th to 90th percentile) in
    octaves; level of the voiced parts in dBFS; spread of that level in dB; syllable nuclei a second; energy at
    1-3.4 kHz re 50-1000 Hz in dB (the alpha ratio of eGeMAPS, Eyben et al. 2016, within a telephone's band); mean
    periodicity of the voiced frames, 0 to 1."""
    voiced_s: float
    signal_to_noise_db: float
    """Loud frames (90th percentile) over quiet ones (10th): an estimate that needs some silence in the utterance."""
    clipped: float
    """Share of samples at full scale."""


def analyse(samples: AudioArray, sample_rate_hz: int) -> Prosody | None:
    """Features of mono speech, shape (n,), [-1, 1]; None when hardly anything in it is voiced."""
    finite = np.nan_to_num(np.asarray(samples, dtype=np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    signal, rate_hz = narrow(finite, sample_rate_hz)
    hop = round(rate_hz * _HOP_S)
    longest = int(rate_hz / _LOWEST_HZ)
    size = _YIN_WINDOW + longest
    if len(signal) < size + 10 * hop:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(signal, size)[::hop]
    level_db = 10.0 * np.log10(np.mean(np.square(frames), axis=1) + 1e-10)
    quiet_db, loud_db = np.percentile(level_db, (10.0, 90.0))
    # Only frames that stand out are searched for pitch: most of the cost, and hum in a pause is no voice.
    # Every second one is enough, since a frame is five hops long.
    active = np.flatnonzero(level_db > max(loud_db - 25.0, -65.0))
    searched = active[active % 2 == 0]
    if not searched.size:
        return None
    f0_hz, aperiodicity, spectra = _yin(frames[searched], rate_hz, longest)
    octaves = np.log2(np.maximum(f0_hz, 1.0))
    voiced = aperiodicity < _VOICED_BELOW
    if np.count_nonzero(voiced) < 3:
        return None
    low, middle, high = np.percentile(octaves[voiced], (10.0, 50.0, 90.0))
    voiced_db = level_db[searched[voiced]]
    is_voiced = np.zeros(len(frames) + 1, dtype=bool)
    is_voiced[searched[voiced]] = is_voiced[searched[voiced] + 1] = True
    speech_s = (active[-1] - active[0] + 1) * _HOP_S
    vector = np.array(
        [
            middle,
            high - low,
            10.0 * np.log10(np.mean(10.0 ** (voiced_db / 10.0))),
            np.std(voiced_db),
            _syllable_nuclei(level_db, is_voiced[:-1]) / max(speech_s, 0.3),
            _alpha_ratio_db(spectra[voiced], rate_hz),
            1.0 - float(np.mean(aperiodicity[voiced])),
        ]
    )
    return Prosody(
        vector=vector,
        voiced_s=float(np.count_nonzero(voiced) * 2 * _HOP_S),
        signal_to_noise_db=float(loud_db - quiet_db),
        clipped=float(np.mean(np.abs(finite) >= _CLIPPED_AT)),
    )


def narrow(samples: FloatArray, sample_rate_hz: int) -> tuple[FloatArray, float]:
    """The signal at about 8 kHz and without its mean, and its exact rate."""
    factor = max(1, round(sample_rate_hz / _RATE_HZ))
    if factor > 1 and samples.size:
        taps = np.arange(-4 * factor, 4 * factor + 1)
        low_pass = np.sinc(taps / factor * 0.9) * np.hanning(len(taps) + 2)[1:-1]
        samples = np.convolve(samples, (low_pass / low_pass.sum()).astype(np.float32), mode="same")[::factor]
    centred: FloatArray = samples - (samples.mean() if samples.size else np.float32(0.0))
    return centred, sample_rate_hz / factor


def _yin(frames: FloatArray, rate_hz: float, longest: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """F0 in Hz, aperiodicity (0 periodic, about 1 noise) and power spectrum (n, 257) of each frame, shape (n, size).

    De Cheveigné & Kawahara (2002), "YIN, a fundamental frequency estimator for speech and music", JASA 111(4): the
    cumulative mean normalised difference, its first dip below the threshold, refined by a parabola.
    """
    shortest = int(rate_hz / _HIGHEST_HZ)
    window = frames[:, :_YIN_WINDOW]
    whole_spectrum = np.fft.rfft(frames, _FFT)
    cross = np.fft.irfft(np.conj(np.fft.rfft(window, _FFT)) * whole_spectrum, _FFT)[:, : longest + 1]
    energy = np.cumsum(np.square(frames, dtype=np.float64), axis=1)
    shifted = energy[:, _YIN_WINDOW - 1 :].copy()
    shifted[:, 1:] -= energy[:, : shifted.shape[1] - 1]
    shifted = shifted[:, : longest + 1]
    difference = np.maximum(shifted[:, :1] + shifted - 2.0 * cross, 0.0)
    running = np.cumsum(difference[:, 1:], axis=1)
    normalised = difference[:, 1:] * np.arange(1, difference.shape[1]) / np.maximum(running, 1e-12)
    search = normalised[:, shortest - 1 :]  # column c is lag c + shortest
    rows = np.arange(len(search))
    below = search < _YIN_THRESHOLD
    first = np.where(below.any(axis=1), below.argmax(axis=1), search.argmin(axis=1))
    rising = np.concatenate([search[:, 1:] >= search[:, :-1], np.ones((len(search), 1), dtype=bool)], axis=1)
    rising &= np.arange(search.shape[1]) >= first[:, None]
    dip = rising.argmax(axis=1)
    before, at, after = (search[rows, np.clip(dip + step, 0, search.shape[1] - 1)] for step in (-1, 0, 1))
    curvature = before - 2.0 * at + after
    offset = np.where(curvature > 1e-9, 0.5 * (before - after) / np.maximum(curvature, 1e-9), 0.0)
    f0_hz = rate_hz / (dip + shortest + np.clip(offset, -0.5, 0.5))
    # A pure silence has a difference of 0 everywhere and would look perfectly periodic.
    aperiodicity = np.where(energy[:, -1] > 1e-7, at, 1.0)
    return f0_hz.astype(np.float32), aperiodicity.astype(np.float32), np.square(np.abs(whole_spectrum))


def _syllable_nuclei(level_db: FloatArray, voiced: npt.NDArray[np.bool_]) -> int:
    """Voiced peaks of loudness between dips of at least 2 dB.

    De Jong & Wempe (2009), "Praat script to detect syllable nuclei and measure speech rate automatically", Behavior
    Research Methods 41(2).
    """
    smooth = np.convolve(level_db, np.full(5, 0.2), mode="same")
    candidates = np.flatnonzero((smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])) + 1
    floor_db = float(np.percentile(smooth, 95.0)) - 25.0
    nuclei = 0
    previous = -1
    for peak in candidates[voiced[candidates] & (smooth[candidates] > floor_db)]:
        if previous >= 0 and smooth[peak] - smooth[previous : peak + 1].min() < _NUCLEUS_DIP_DB:
            previous = peak if smooth[peak] > smooth[previous] else previous
            continue
        nuclei += 1
        previous = int(peak)
    return nuclei


def _alpha_ratio_db(power: FloatArray, rate_hz: float) -> float:
    """Energy at 1-3.4 kHz over that at 50-1000 Hz, of frames of shape (n, 257)."""
    frequencies_hz = np.arange(power.shape[1]) * rate_hz / _FFT
    mean = power.mean(axis=0)
    low = mean[(frequencies_hz >= 50.0) & (frequencies_hz < 1000.0)].sum()
    high = mean[(frequencies_hz >= 1000.0) & (frequencies_hz < 3400.0)].sum()
    return float(10.0 * np.log10((high + 1e-10) / (low + 1e-10)))
