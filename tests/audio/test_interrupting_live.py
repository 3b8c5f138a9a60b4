"""Speaking over the live assistant on real PortAudio and with real networks: a nod, a stop, and the talk button."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.virtual_sound import VirtualSound
from tests.doubles.command import Running, wait_until
from tests.doubles.events_file import of_turns, say_until
from tests.doubles.person import Person

pytestmark = [pytest.mark.pulse, pytest.mark.models]
_STALE_S = 8.0
"""A reply that is held up for so long is given up."""
_TIMES = 3


def answered(running: Running, ask: Callable[[], None], socket: Path) -> None:
    """Return when the answer to what is asked is heard."""
    begun = running.output.count("first sound")
    say_until(lambda: running.output.count("first sound") > begun, "It answers", ask, socket)


def goes_on_after(nod: Path, running: Running, sound: VirtualSound, file: Path) -> bool:
    """Whether a reply does after that. Where the machine is busy it may be given up before it is known that it was but
    a nod."""
    broken_off = running.output.count("interrupted after")
    sound.speak(nod)
    wait_until(
        lambda: "goes on" in running.output or running.output.count("interrupted after") > broken_off, "It goes on"
    )
    if "goes on" in running.output:
        return True
    paused, given_up = (of_turns(file, kind)[-1]["at_s"] for kind in ("PlaybackPaused", "Interruption"))
    assert given_up - paused >= _STALE_S, "a nod interrupts nothing"
    return False


def test_a_nod_holds_a_reply_up_and_stop_ends_it(sound: VirtualSound, spoken: Person, tmp_path: Path) -> None:
    asks, nods, stops, asks_on = map(
        spoken, ("Hey Jarvis, what can you do?", "Yeah, okay.", "Stop talking.", "What time is it?")
    )
    file, socket = tmp_path / "events.jsonl", tmp_path / "control.sock"
    settings = {
        "ASSISTANT_VISION__CAMERA": "none",
        "ASSISTANT_CONTROL__SOCKET": str(socket),
        "ASSISTANT_TELEMETRY__EVENTS": str(file),
        "ASSISTANT_STATE__DIR": str(tmp_path),
    }
    with Running("run", env=sound.env | settings) as running:
        running.wait_for("Listening", timeout_s=120)
        speaker = sound.tap("speaker")
        try:
            for _ in range(_TIMES):
                since_s = time.monotonic()
                answered(running, lambda: sound.speak(asks), socket)
                wait_until(lambda since_s=since_s: len(speaker.loud_at(since_s)) > 50, "The long reply plays")
                if goes_on_after(nods, running, sound, file):
                    break
            sound.speak(stops)
            running.wait_for("interrupted after")
            running.wait_for("stop")

            def call_and_ask() -> None:
                since_s = time.monotonic()
                os.kill(running.pid, signal.SIGUSR2)
                wait_until(lambda: speaker.loud_at(since_s), "It invites")
                sound.speak(asks_on)

            answered(running, call_and_ask, socket)
        finally:
            speaker.close()
        assert running.end(signal.SIGTERM) == 0
        assert "Traceback" not in running.output
    [resumed] = of_turns(file, "PlaybackResumed")
    assert len(of_turns(file, "PlaybackPaused", resumed["turn_id"])) == 2
    [finished] = of_turns(file, "PlaybackFinished", resumed["turn_id"])
    assert not finished["completed"]
