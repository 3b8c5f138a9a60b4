"""The live assistant on an open speaker: its own voice reaches the microphone, and PulseAudio takes it out. PipeWire
leaves some of it, for the assistant's own guard, which also does without either."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.virtual_sound import Tap, VirtualSound
from tests.doubles.command import Running, wait_until
from tests.doubles.person import Person
from tests.doubles.pipewire import PipeWireSound

pytestmark = [pytest.mark.pulse, pytest.mark.models]
_ECHO = "65%"
"""-11 dB: less than a person is heard, as in most rooms."""
_METHODS = ("webrtc", "speex")
"""What an echo canceller of PulseAudio may have been built with, the better first."""


def load(sound: VirtualSound, module: str, *alternatives: tuple[str, ...]) -> None:
    """Load a module with the first arguments that it takes."""
    for arguments in alternatives:
        done = sound.pactl("load-module", module, *arguments)
        if done.returncode == 0:
            return
    pytest.skip(f"this sound server has no {module}: {done.stderr.decode()}")


@pytest.fixture(params=(VirtualSound, PipeWireSound), ids=("PulseAudio", "PipeWire"))
def server(request: pytest.FixtureRequest, clean: None) -> Iterator[VirtualSound]:
    if missing := request.param.missing():
        pytest.skip(f"Not installed: {', '.join(missing)}.")
    with request.param() as server:
        yield server


@pytest.fixture
def room(server: VirtualSound) -> VirtualSound:
    """A room in which the microphone hears the speaker."""
    load(server, "module-loopback", ("source=speaker.monitor", "sink=mic", "latency_msec=30"))
    [echo, *_] = server.pactl("list", "short", "sink-inputs").stdout.decode().split()
    assert server.pactl("set-sink-input-volume", echo, _ECHO).returncode == 0
    return server


@pytest.fixture
def open_speaker(room: VirtualSound) -> VirtualSound:
    """Such a room, and an echo canceller, which is what programs get."""
    ends = ("source_name=clean_microphone", "source_master=virtual_microphone")
    ends += ("sink_name=clean_speaker", "sink_master=speaker")
    load(room, "module-echo-cancel", *((f"aec_method={method}", *ends) for method in _METHODS))
    assert room.pactl("set-default-source", "clean_microphone").returncode == 0
    assert room.pactl("set-default-sink", "clean_speaker").returncode == 0
    return room


@pytest.fixture
def microphone(room: VirtualSound) -> Iterator[Tap]:
    """What reaches the microphone, before the echo is taken out."""
    tap = room.tap("mic")
    yield tap
    tap.close()


class Told:
    """What the assistant tells of itself."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "events.jsonl"

    def __call__(self, kind: str) -> list[dict[str, object]]:
        """The events of a kind."""
        text = self.file.read_text(encoding="utf-8")
        lines = map(json.loads, text[: text.rfind("\n") + 1].splitlines())
        return [line for line in lines if line["event"] == kind]

    def settings(self, *, echo_guard: bool) -> dict[str, str]:
        """Of an assistant that tells it, without a camera."""
        return {
            "ASSISTANT_VISION__CAMERA": "none",
            "ASSISTANT_AUDIO__ECHO_GUARD": "true" if echo_guard else "false",
            "ASSISTANT_TELEMETRY__EVENTS": str(self.file),
        }


def answers_to_the_end(running: Running, told: Told, room: VirtualSound, question: Path, microphone: Tap) -> None:
    """Ask it, and end it after its answer, over which the microphone heard it and it did not interrupt itself."""
    room.speak(question)
    asked_s = time.monotonic()
    wait_until(lambda: told("PlaybackFinished"), "The reply is over")
    assert len(microphone.loud_at(asked_s)) > 100, "the microphone has heard it"
    assert running.end(signal.SIGTERM) == 0
    assert "Traceback" not in running.output
    assert [event["completed"] for event in told("PlaybackFinished")] == [True]
    assert not told("Interruption")


@pytest.mark.parametrize("server", [VirtualSound], indirect=True, ids=["PulseAudio"])
def test_without_a_canceller_it_does_not_interrupt_itself_either(
    room: VirtualSound, microphone: Tap, spoken: Person, tmp_path: Path
) -> None:
    told, question = Told(tmp_path), spoken("Hey Jarvis, what can you do?")
    with Running("run", env=room.env | told.settings(echo_guard=True)) as running:
        running.wait_for("Listening", timeout_s=120)
        answers_to_the_end(running, told, room, question, microphone)


def test_it_answers_and_does_not_interrupt_itself(
    open_speaker: VirtualSound, microphone: Tap, spoken: Person, tmp_path: Path
) -> None:
    told = Told(tmp_path)
    settings = told.settings(echo_guard=isinstance(open_speaker, PipeWireSound))
    question, news = spoken("Hey Jarvis, what can you do?"), spoken("Good morning. Here is the news of today.")
    with Running("run", env=open_speaker.env | settings) as running:
        running.wait_for("Listening", timeout_s=120)
        # Until it has heard the speaker once, a canceller does not know the room and may let half a second through.
        subprocess.run(["paplay", "--device=clean_speaker", str(news)], env=open_speaker.env, check=True, timeout=60)
        wait_until(lambda: microphone.loud_at() and time.monotonic() - microphone.loud_at()[-1] > 1.5, "It is quiet")

        answers_to_the_end(running, told, open_speaker, question, microphone)
    [begun] = told("PlaybackStarted")
    if isinstance(open_speaker, PipeWireSound):
        return  # what is left may sound like speech for a moment, which holds the reply up and does not end it
    assert all(event["at_s"] < begun["at_s"] for event in told("SpeechStarted")), "it has not heard its own voice"
