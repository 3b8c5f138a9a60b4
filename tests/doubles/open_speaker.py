"""An open speaker: the microphone hears what the assistant says."""

from __future__ import annotations

import numpy as np

from tests.doubles.living import Living
from tests.doubles.sound_devices import RATE_HZ, Card

HELP = "Hey Jarvis, what can you do?"
PLAYED_HZ = 24_000
LATE_S = 0.08
"""From the speaker to the microphone."""


def open_the_speaker(living: Living) -> None:
    """Have its voice, which is one like a person's, reach its microphone, and its guard take it out again."""
    living.configure("audio", echo_guard=True)
    living.configure("tts", en="Articulate")
    room = living.room
    living.microphone.sound = lambda at_s, count: room(at_s, count) + echo_of(living.speaker, at_s, count)


def echo_of(speaker: Card, at_s: float, count: int) -> np.ndarray:
    """What reaches the microphone of what was played, as loud as it is."""
    times_s = at_s - LATE_S + np.arange(count) / RATE_HZ
    heard = np.zeros(count)
    for begun_s, block in speaker.played[-40:]:
        if begun_s > times_s[-1] or begun_s + len(block) / PLAYED_HZ <= times_s[0]:
            continue
        inside = (times_s >= begun_s) & (times_s < begun_s + len(block) / PLAYED_HZ)
        heard[inside] = np.interp((times_s[inside] - begun_s) * PLAYED_HZ, np.arange(len(block)), block)
    return heard
