"""A sound server of the tests' own, and what is spoken into it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.virtual_sound import VirtualSound
from tests.doubles.leaks import no_task_left_running, nothing_left_behind, nothing_left_open
from tests.doubles.person import Person


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


@pytest.fixture(scope="session")
def spoken(request: pytest.FixtureRequest) -> Person:
    """Recordings of what a person says."""
    return Person(request)
