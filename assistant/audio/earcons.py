"""Short sounds of the assistant's own, made when they are needed."""

from __future__ import annotations

import numpy as np

from assistant.events import AudioArray, SpeechChunk

_RATE_HZ = 24_000
_NOTE_S = 0.09


def listening(at_s: float, turn_id: int) -> SpeechChunk:
    """Two rising notes: "go on, I am listening"."""
    return SpeechChunk(at_s, turn_id, np.concatenate([_note(660.0), _note(880.0)]), _RATE_HZ, "")


def asleep(at_s: float, turn_id: int) -> SpeechChunk:
    """Two falling notes: "nobody said anything, call me again"."""
    return SpeechChunk(at_s, turn_id, np.concatenate([_note(660.0), _note(495.0)]), _RATE_HZ, "")


def ringing(at_s: float, turn_id: int) -> SpeechChunk:
    """Three times two notes: a timer that is due."""
    pause = np.zeros(round(0.12 * _RATE_HZ), np.float32)
    ring = np.concatenate([_note(988.0), _note(1319.0), pause])
    return SpeechChunk(at_s, turn_id, np.tile(ring, 3), _RATE_HZ, "")


def _note(frequency_hz: float) -> AudioArray:
    seconds = np.arange(round(_NOTE_S * _RATE_HZ), dtype=np.float32) / _RATE_HZ
    # A raised-cosine envelope: a note that starts or ends at once clicks.
    envelope = 0.5 - 0.5 * np.cos(2 * np.pi * seconds / _NOTE_S)
    note: AudioArray = (0.2 * envelope * np.sin(2 * np.pi * frequency_hz * seconds)).astype(np.float32)
    return note
