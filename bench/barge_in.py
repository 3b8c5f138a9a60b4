"""How fast the live assistant falls silent when someone speaks over it, seen at the sound server."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from bench.virtual_sound import Tap, VirtualSound

ASKS, STOPS = "Hey Jarvis, what can you do?", "Stop talking."
_REPLY_PLAYS_BLOCKS = 200
"""Two seconds of the reply: by then the echo guard knows that nothing of it reaches the microphone."""
_GIVE_UP_S = 12.0
_STOPS_WITHIN_S = 1.5
"""What is heard later has not been stopped."""
_IN_A_WORD_S = 0.1
"""A reply that was not loud so shortly before its pause was between two words: when it stopped cannot be heard."""


def interrupt(
    sound: VirtualSound, microphone: Tap, speaker: Tap, asks: Path, stops: Path, *, after_s: float
) -> float | None:
    """Ask for a long reply and speak over it once it was heard for `after_s` more than it takes the echo guard to know
    the room; seconds from the first loud block of what is said to the last one of the reply, which is too
    few where it stopped between two words. None without a reply, or when it did not stop."""
    begin_s = time.monotonic()
    sound.speak(asks)
    while len(speaker.loud_at(begin_s)) < _REPLY_PLAYS_BLOCKS:
        if time.monotonic() - begin_s > _GIVE_UP_S:
            return None
        time.sleep(0.02)
    time.sleep(after_s)
    spoken_over_s = time.monotonic()
    sound.speak(stops)
    time.sleep(2 * _STOPS_WITHIN_S)
    onset = microphone.loud_at(spoken_over_s)
    if not onset:
        return None
    seconds = max(speaker.loud_at(onset[0]), default=onset[0]) - onset[0]
    return seconds if seconds < _STOPS_WITHIN_S else None


def after_decision(events: Path, loud_at: Sequence[float]) -> list[float]:
    """For each pause of a reply in an events file, how much longer the speaker was heard, in seconds from the end of
    the frame by which the assistant knew that someone speaks."""
    found, decided_at_s = [], 0.0
    for line in events.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["event"] == "SpeechStarted":
            decided_at_s = float(event["at_s"])
        elif event["event"] == "PlaybackPaused":
            near = [at_s - decided_at_s for at_s in loud_at if -_IN_A_WORD_S < at_s - decided_at_s < _STOPS_WITHIN_S]
            if near:
                found.append(max(0.0, near[-1]))
    return found
