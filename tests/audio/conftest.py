"""A sound server of the tests' own, and what is spoken into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.audio import portaudio
from bench.virtual_sound import VirtualSound
from tests.doubles.command import Running
from tests.doubles.leaks import no_task_left_running, nothing_left_behind, nothing_left_open
from tests.doubles.live_sound import DATE, HELP, TIME, TIME_ZH, settings
from tests.doubles.person import Person
from tests.doubles.sound_devices import sound_thread


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of ours survives the module."""
    temporary = tmp_path_factory.mktemp("temporary")
    with nothing_left_behind(temporary), no_task_left_running(), pytest.MonkeyPatch.context() as patch:
        # Where nobody has one yet, PulseAudio's client library makes a folder for sockets among the temporary files.
        patch.setenv("PULSE_RUNTIME_PATH", str(tmp_path_factory.mktemp("sockets")))
        yield


@pytest.fixture(autouse=True)
def closed(dictionaries: None, little_to_collect: None, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """No file or socket of a test survives it. Capturing output opens files, so that is done before."""
    with nothing_left_open():
        yield


@pytest.fixture(scope="module")
def sound(clean: None) -> Iterator[VirtualSound]:
    """PulseAudio with a virtual microphone and speaker."""
    if missing := VirtualSound.missing():
        pytest.skip(f"Not installed: {', '.join(missing)}. Run: apt-get install pulseaudio pulseaudio-utils")
    with VirtualSound() as server:
        yield server


@pytest.fixture
def devices(sound: VirtualSound, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PortAudio of this process sees the virtual devices."""
    with monkeypatch.context() as patch, sound_thread():
        for name, value in sound.env.items():
            patch.setenv(name, value)
        portaudio.rescan()
        yield
    portaudio.rescan()


@pytest.fixture(scope="session")
def spoken(request: pytest.FixtureRequest) -> Person:
    """Recordings of what a person says."""
    return Person(request)


@pytest.fixture
def live(sound: VirtualSound, spoken: Person, tmp_path: Path) -> Iterator[Running]:
    """The assistant, listening, without a camera where one should be; its events go to `tmp_path`."""
    for text, language in ((TIME, "en"), (HELP, "en"), (DATE, "en"), (TIME_ZH, "zh")):
        spoken(text, language)  # before it listens: making a recording takes all the cores that there are
    with Running("run", env=sound.env | settings(tmp_path, camera="/dev/video99")) as running:
        running.wait_for("Listening", timeout_s=120)
        yield running
