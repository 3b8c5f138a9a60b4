"""Speaking over the live assistant on real PortAudio and with real networks: a nod, a stop, and the talk button."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from bench.virtual_sound import VirtualSound
from tests.doubles.command import Running, wait_until
from tests.doubles.person import Person

pytestmark = [pytest.mark.pulse, pytest.mark.models]


def test_a_nod_holds_a_reply_up_and_stop_ends_it(sound: VirtualSound, spoken: Person, tmp_path: Path) -> None:
    asks, nods, stops, asks_on = map(
        spoken, ("Hey Jarvis, what can you do?", "Yeah, okay.", "Stop talking.", "What time is it?")
    )
    file = tmp_path / "events.jsonl"
    settings = {
        "ASSISTANT_VISION__CAMERA": "none",
        "ASSISTANT_TELEMETRY__EVENTS": str(file),
        "ASSISTANT_STATE__DIR": str(tmp_path),
    }
    with Running("run", env=sound.env | settings) as running:
        running.wait_for("Listening", timeout_s=120)
        speaker = sound.tap("speaker")
        try:
            since_s = time.monotonic()
            sound.speak(asks)
            running.wait_for("first sound")
            wait_until(lambda: len(speaker.loud_at(since_s)) > 50, "The long reply plays")
            sound.speak(nods)
            running.wait_for("goes on")
            sound.speak(stops)
            running.wait_for("interrupted after")
            running.wait_for("stop")

            since_s = time.monotonic()
            os.kill(running.pid, signal.SIGUSR2)
            wait_until(lambda: speaker.loud_at(since_s), "It invites")
            sound.speak(asks_on)
            running.wait_for("first sound", times=2)
        finally:
            speaker.close()
        assert running.end(signal.SIGTERM) == 0
        assert "Traceback" not in running.output
    events = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds.count("PlaybackPaused") == 2
    assert kinds.count("PlaybackResumed") == 1
    first = next(event for event in events if event["event"] == "PlaybackFinished")
    assert not first["completed"]
