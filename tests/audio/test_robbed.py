"""The live assistant on real PortAudio loses its sound server, or its microphone alone, in the middle of something."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from assistant.control.client import ask_at
from assistant.control.protocol import Status, StatusResult
from bench.virtual_sound import VirtualSound
from tests.doubles.command import Running, wait_until
from tests.doubles.events_file import events_of, lost_frames, of_turns, say_until
from tests.doubles.live_sound import EVENTS, HELP, SOCKET, TIME, recording, replies
from tests.doubles.person import Person

pytestmark = [pytest.mark.pulse, pytest.mark.models]
_MID_WORD_S = 1.3
"""Of "Hey Jarvis, what time is it?" in the person's voice."""


@contextmanager
def mid_word(sound: VirtualSound, words: Path) -> Iterator[None]:
    """Inside, somebody is in the middle of these words, and has said them at the end."""

    def speak() -> None:
        with suppress(subprocess.CalledProcessError):  # the server may go meanwhile
            sound.speak(words)

    speaking = threading.Thread(target=speak)
    with recording(sound, "mic") as microphone:
        since_s = time.monotonic()
        speaking.start()
        wait_until(lambda: len(microphone.loud_at(since_s)) > 100 * _MID_WORD_S, "Somebody speaks")
    try:
        yield
    finally:
        speaking.join()


def understood(folder: Path) -> list[str]:
    """What was said to it."""
    return [event["text"] for event in of_turns(folder / EVENTS, "Transcript") if event["is_final"]]


def hears(socket: Path) -> bool:
    """Whether sound comes through its microphone now."""
    return ask_at([socket], Status(), StatusResult, timeout_s=60).health.hears


def test_a_reply_that_loses_the_sound_server_is_cut_and_the_next_is_heard(
    live: Running, sound: VirtualSound, spoken: Person, tmp_path: Path
) -> None:
    with recording(sound) as speaker:
        since_s = time.monotonic()
        sound.speak(spoken(HELP))
        wait_until(lambda: len(speaker.loud_at(since_s)) > 50, "The long reply plays")
        sound.stop()
    wait_until(lambda: replies(tmp_path), "The reply is given up")
    [cut] = replies(tmp_path)
    assert cut["completed"] is False
    said, begun = str(cut["text"]), str(cut["begun"])
    assert said.endswith("…") and begun.startswith(said[:-1]), "no more is claimed than was said"
    assert "speaker" in {event["stage"] for event in events_of(tmp_path / EVENTS, "StageFailed")}

    sound.start()
    live.wait_for("microphone: works again")
    live.wait_for("speaker: works again")
    with recording(sound) as speaker:
        say_until(
            lambda: len(replies(tmp_path)) > 1, "It answers", lambda: sound.speak(spoken(TIME)), tmp_path / SOCKET
        )
        assert speaker.loud_at(of_turns(tmp_path / EVENTS, "PlaybackStarted")[-1]["at_s"])
    assert replies(tmp_path)[-1]["completed"] is True
    assert live.alive and "Traceback" not in live.output


def test_what_is_said_until_the_microphone_or_the_sound_server_goes_is_understood(
    live: Running, sound: VirtualSound, spoken: Person, tmp_path: Path
) -> None:
    def without_the_microphone() -> None:
        with mid_word(sound, spoken(TIME)):
            sound.pull_microphone()
        sound.plug_microphone()

    def without_the_server() -> None:
        with mid_word(sound, spoken(TIME)):
            sound.stop()
        sound.start()

    for rob in (without_the_microphone, without_the_server):
        before = len(understood(tmp_path))
        say_until(lambda before=before: len(understood(tmp_path)) > before, "It understands", rob, tmp_path / SOCKET)
        assert "what" in understood(tmp_path)[-1].lower() or lost_frames(tmp_path / SOCKET)
        wait_until(lambda: hears(tmp_path / SOCKET), "It hears again")
    assert live.alive and "Traceback" not in live.output
