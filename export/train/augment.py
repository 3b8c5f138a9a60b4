"""What a microphone, a camera and a recogniser do to the same moment: variations that do not change its label."""

from __future__ import annotations

import re

import cv2
import numpy as np
import soxr

from assistant.events import AudioArray, ImageArray
from assistant.han import contains_han

Rng = np.random.Generator


def vary_audio(samples: AudioArray, sample_rate_hz: int, rng: Rng) -> AudioArray:
    """Pitch and tempo, a room, noise and gain, each in some of the cases; float32 (m,), [-1, 1]."""
    varied = np.asarray(samples, np.float32)
    if not len(varied):
        return varied
    if rng.random() < 0.5:
        varied = _resampled(varied, rng.uniform(0.94, 1.06))  # pitch and tempo together, as a tape does
    if rng.random() < 0.5:
        varied = _stretched(varied, rng.uniform(0.9, 1.1), sample_rate_hz)
    if rng.random() < 0.3:
        varied = _in_a_room(varied, rng.uniform(0.15, 0.5), sample_rate_hz, rng)
    if rng.random() < 0.5:
        level = float(np.sqrt(np.mean(np.square(varied)) + 1e-12))
        noise = rng.standard_normal(len(varied)) * level * 10.0 ** (-rng.uniform(10.0, 30.0) / 20.0)
        varied = varied + noise.astype(np.float32)
    varied = varied * np.float32(10.0 ** (rng.uniform(-6.0, 6.0) / 20.0))
    return np.asarray(np.clip(varied, -1.0, 1.0), np.float32)


def _resampled(samples: AudioArray, factor: float) -> AudioArray:
    return np.asarray(soxr.resample(samples, 1.0, 1.0 / factor), np.float32) if len(samples) > 64 else samples


def _stretched(samples: AudioArray, factor: float, sample_rate_hz: int) -> AudioArray:
    """Another tempo at the same pitch, by overlapping windows of 40 ms."""
    size = int(0.04 * sample_rate_hz) // 2 * 2
    hop = size // 2
    if len(samples) < 2 * size:
        return samples
    window = np.hanning(size).astype(np.float32)
    starts = np.arange(0, len(samples) - size, hop * factor).astype(int)
    out = np.zeros(len(starts) * hop + size, np.float32)
    for index, start in enumerate(starts):
        out[index * hop : index * hop + size] += window * samples[start : start + size]
    return out


def _in_a_room(samples: AudioArray, decay_s: float, sample_rate_hz: int, rng: Rng) -> AudioArray:
    """Convolved with noise that decays by 60 dB in `decay_s`: the tail of a small room."""
    time_s = np.arange(int(decay_s * sample_rate_hz)) / sample_rate_hz
    tail = rng.standard_normal(len(time_s)) * 10.0 ** (-3.0 * time_s / decay_s) * 0.03
    tail[0] = 1.0
    size = 1 << (len(samples) + len(tail) - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return np.asarray(wet, np.float32)


def vary_image(pixels: ImageArray, rng: Rng) -> ImageArray:
    """A crop of at least 85 %, mirrored or not, in another light, blurred or not; uint8, the same shape."""
    height, width = pixels.shape[:2]
    share = rng.uniform(0.85, 1.0)
    rows, columns = max(1, int(height * share)), max(1, int(width * share))
    top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
    varied = cv2.resize(pixels[top : top + rows, left : left + columns], (width, height))
    if rng.random() < 0.5:
        varied = varied[:, ::-1]
    gamma, gain = rng.uniform(0.7, 1.4), rng.uniform(0.75, 1.25)
    varied = np.clip(255.0 * gain * (varied / 255.0) ** gamma, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        varied = cv2.GaussianBlur(varied, (0, 0), rng.uniform(0.5, 1.5))
    return np.ascontiguousarray(varied)


def vary_text(text: str, rng: Rng) -> str:
    """One word (or Chinese character) in ten left out, one pair of neighbours swapped now and then."""
    chinese = contains_han(text)
    units = list(text) if chinese else re.findall(r"\S+", text)
    kept = [unit for unit in units if rng.random() >= 0.1] or units
    if len(kept) > 2 and rng.random() < 0.3:
        place = int(rng.integers(0, len(kept) - 1))
        kept[place], kept[place + 1] = kept[place + 1], kept[place]
    return ("" if chinese else " ").join(kept)
