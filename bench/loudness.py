"""When there is a sound: what is timed from speech counts from its first loud block, to silence from the last one."""

from __future__ import annotations

import numpy as np

from assistant.events import AudioArray

BLOCK_S = 0.01
LOUD = 0.02
"""Peak above which a block counts as sound: about a tenth, -20 dB, of what a person's speech has at the microphone."""


def is_loud(block: AudioArray) -> bool:
    """Whether a block, (n,) in [-1, 1], is more than silence, breath and the soft beginning of a sound."""
    return bool(np.abs(block).max() > LOUD)


def onset_s(samples: AudioArray, rate_hz: int) -> float:
    """Seconds before the first loud block of (n,) samples. Raises `ValueError` where there is none."""
    size = round(BLOCK_S * rate_hz)
    for start in range(0, len(samples), size):
        if is_loud(samples[start : start + size]):
            return start / rate_hz
    raise ValueError("Nothing in it is loud.")
