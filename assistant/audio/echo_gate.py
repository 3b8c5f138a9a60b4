"""The echo guard's gate: silence, unless someone else than the assistant is heard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assistant.audio import FRAME_SAMPLES
from assistant.events import AudioArray, AudioFrame

_GLIMPSE_FRAMES, _HOLD_FRAMES = 3, 8
"""Frames for which it stays open after the first evidence of someone else, and after more of it. A single frame that
echo got through lasts shorter than what counts as speech."""
_FADE = 128


class Gate:
    """Opens at once, and closes a while after the last evidence."""

    def __init__(self) -> None:
        self._hold_frames = 0
        self._gain = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the next frame is let through without evidence, too."""
        return self._hold_frames > 0

    def let_through(self, frame: AudioFrame, *, foreign: bool) -> AudioFrame:
        """The frame or silence, without a click; `foreign` tells that someone else is heard in it."""
        if foreign:
            self._hold_frames = _HOLD_FRAMES if self._hold_frames else _GLIMPSE_FRAMES
        elif self._hold_frames:
            self._hold_frames -= 1
        return replace(frame, samples=frame.samples * self._fade())

    def _fade(self) -> AudioArray:
        gain = 1.0 if self._hold_frames else 0.0
        curve = np.full(FRAME_SAMPLES, gain, np.float32)
        curve[:_FADE] = np.linspace(self._gain, gain, _FADE, dtype=np.float32)
        self._gain = gain
        return curve
