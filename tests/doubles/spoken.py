"""Real speech, synthesised: what tests of recognisers and detectors listen to."""

from __future__ import annotations

import functools

import numpy as np

from assistant.audio.files import resample
from assistant.config import Config
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle, Synthesizer

LEAD_S = 0.35
TAIL_S = 0.2
"""Silence before and behind the words."""


@functools.cache
def english(sentence: str) -> AudioArray:
    """`sentence` in hibari's voice, shape (n,) at 16 kHz, as an endpointer cuts it."""
    voice = _hibari()
    blocks = list(voice.synthesize(sentence, "en", SpeakingStyle()))
    samples = resample(np.concatenate(blocks), voice.sample_rate_hz, 16000)
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    before, after = (np.zeros(int(seconds * 16000), np.float32) for seconds in (LEAD_S, TAIL_S))
    return np.concatenate([before, samples[loud[0] : loud[-1] + 1], after])


@functools.cache
def _hibari() -> Synthesizer:
    from assistant.tts.hibari import HibariSynthesizer

    return HibariSynthesizer.create(Config(), ModelStore())
