"""What the tests of the service share: a sound server of their own, and a service on doubles."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.virtual_sound import VirtualSound
from tests.doubles.house import House
from tests.doubles.leaks import nothing_left_behind
from tests.doubles.person import Person


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of ours survives the module."""
    with nothing_left_behind(tmp_path_factory.mktemp("temporary")):
        yield


@pytest.fixture(scope="module")
def sound(clean: None) -> Iterator[VirtualSound]:
    """PulseAudio with a virtual microphone and speaker."""
    if missing := VirtualSound.missing():
        pytest.skip(f"Not installed: {', '.join(missing)}. Run: apt-get install pulseaudio pulseaudio-utils")
    with VirtualSound() as server:
        yield server


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A folder for sockets, whose path may have 107 bytes (unix(7)): a test's own folder is too deep in a worker."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="sockets-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def spoken(request: pytest.FixtureRequest) -> Person:
    """Recordings of what a person says."""
    return Person(request)


@pytest.fixture
def house(leaves_nothing: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A service; nothing of it is left when a test ends."""
    return House(tmp_path, monkeypatch)
