"""The assistant in a process of its own before a sound server: what is said to it, and what it answers."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.virtual_sound import Tap, VirtualSound
from tests.doubles.command import wait_until
from tests.doubles.events_file import of_turns

TIME, HELP, DATE = "Hey Jarvis, what time is it?", "Hey Jarvis, what can you do?", "Hey Jarvis, what is the date?"
TIME_ZH = "你好贾维斯，现在几点了？"
EVENTS, SOCKET = "events.jsonl", "control.sock"


def settings(folder: Path, *, camera: str) -> dict[str, str]:
    """Environment of an assistant whose control socket and events, with their words, are in that folder."""
    return {
        "ASSISTANT_VISION__CAMERA": camera,
        "ASSISTANT_CONTROL__SOCKET": str(folder / SOCKET),
        "ASSISTANT_TELEMETRY__EVENTS": str(folder / EVENTS),
        "ASSISTANT_TELEMETRY__LOG_CONTENT": "true",
    }


@contextmanager
def recording(sound: VirtualSound, sink: str = "speaker") -> Iterator[Tap]:
    tap = sound.tap(sink)
    try:
        yield tap
    finally:
        tap.close()


def replies(folder: Path) -> list[dict[str, object]]:
    """Those that have been played or broken off since it started."""
    return of_turns(folder / EVENTS, "PlaybackFinished")


def wait_for_replies(folder: Path, count: int, tap: Tap) -> None:
    """Return when there are so many replies, and the speaker is silent.

    What makes a sound may be the chime that asks a person to go on, and on a busy machine the reply to it comes late.
    """
    wait_until(lambda: len(replies(folder)) >= count, f"Reply {count} is over")
    wait_until(lambda: time.monotonic() - max(tap.loud_at(), default=math.inf) > 0.5, "The speaker falls silent")
