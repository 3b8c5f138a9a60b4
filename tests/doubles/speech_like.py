"""A signal with the prosody of speech: pulses at a moving pitch, through two resonances, in syllables with pauses."""

from __future__ import annotations

import functools

import numpy as np

from assistant.events import AudioArray, Utterance


@functools.lru_cache(maxsize=64)
def speech_like(
    *,
    pitch_hz: float = 160.0,
    melody: float = 0.12,
    level: float = 0.1,
    syllables_per_s: float = 4.0,
    brightness: float = 1.0,
    seconds: float = 2.0,
    sample_rate_hz: int = 16_000,
    seed: int = 0,
) -> AudioArray:
    """Shape (n,), [-1, 1]. Read-only, since it is cached.

    `melody` is the swing of the pitch as a fraction of it, `brightness` the gain of the upper resonance.
    """
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * sample_rate_hz)) / sample_rate_hz
    pitch = pitch_hz * (1.0 + melody * np.sin(2 * np.pi * 0.9 * time_s + rng.uniform(0, 2 * np.pi)))
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate_hz
    signal = np.zeros_like(time_s)
    for harmonic in range(1, int(3400 / pitch_hz)):
        frequency_hz = harmonic * pitch_hz
        gain = 1.0 / (1.0 + ((frequency_hz - 500.0) / 300.0) ** 2)
        gain += 0.4 * brightness / (1.0 + ((frequency_hz - 1800.0) / 400.0) ** 2)
        signal += gain * np.sin(harmonic * phase + rng.uniform(0, 2 * np.pi))
    envelope = np.clip(np.sin(np.pi * syllables_per_s * time_s) ** 2, 0.02, 1.0)
    voice = signal * envelope
    voice *= level / np.sqrt(np.mean(voice**2))
    silence = np.zeros(int(0.35 * sample_rate_hz))
    noisy = np.concatenate([silence, voice, silence])
    noisy += rng.normal(0.0, 3e-4, noisy.size)
    samples = np.clip(noisy, -1.0, 1.0).astype(np.float32)
    samples.setflags(write=False)
    return samples


def utterance(samples: AudioArray, at_s: float = 0.0, sample_rate_hz: int = 16_000) -> Utterance:
    """`samples` as an utterance whose last voiced sample was heard at `at_s`."""
    return Utterance(at_s + 0.5, samples, sample_rate_hz, at_s - len(samples) / sample_rate_hz, at_s)
