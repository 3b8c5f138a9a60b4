"""What PulseAudio itself says of its sources."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from assistant.audio import sound_server
from assistant.config import AudioConfig, Config
from assistant.doctor import echo
from assistant.doctor.check import Patient
from bench.virtual_sound import VirtualSound
from tests.doubles.command import assistant

pytestmark = pytest.mark.pulse


@pytest.fixture
def server(sound: VirtualSound, monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualSound]:
    """This process's sound server is the virtual one."""
    for name, value in sound.env.items():
        monkeypatch.setenv(name, value)
    yield sound


@pytest.fixture
def canceller(server: VirtualSound) -> Iterator[str]:
    """An echo canceller behind the virtual microphone; the result is its name as a source."""
    done = subprocess.run(
        ["pactl", "load-module", "module-echo-cancel", "source_name=clean", "source_master=mic.monitor",
         "sink_master=speaker", "aec_method=webrtc"],
        env=server.env, capture_output=True, text=True, check=False, timeout=10,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"this PulseAudio has no echo canceller: {done.stderr}")
    yield "clean"
    subprocess.run(["pactl", "unload-module", done.stdout.strip()], env=server.env, check=True, timeout=10)


def test_a_source_that_a_program_feeds_is_known_as_virtual(server: VirtualSound) -> None:
    assert [source.name for source in sound_server.sources() if source.is_default] == ["virtual_microphone"]
    assert sound_server.is_virtual("default") and sound_server.is_virtual("pulse")
    assert not sound_server.is_virtual("USB Mic: Audio (hw:1,0)")
    assert not any(source.cancels_echo for source in sound_server.sources())


def test_without_a_server_or_its_tool_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert sound_server.sources() == []
    assert not sound_server.is_virtual("default")


def test_an_echo_canceller_is_named_and_told_how_to_use(server: VirtualSound, canceller: str) -> None:
    [check] = echo.examine(Patient(Config()))
    assert not check.ok and not check.needed
    assert check.remedy.endswith(f"pactl set-default-source {canceller}")
    listed = json.loads(assistant("devices", "--json", env=server.env).stdout)
    assert [source["name"] for source in listed["echo_cancelled"]] == [canceller]

    subprocess.run(["pactl", "set-default-source", canceller], env=server.env, check=True, timeout=10)
    try:
        [check] = echo.examine(Patient(Config()))
        assert check.ok and "sound server's" in check.found
    finally:
        subprocess.run(["pactl", "set-default-source", "virtual_microphone"], env=server.env, check=True, timeout=10)


def test_without_one_the_own_guard_is_named_or_missed(server: VirtualSound) -> None:
    [check] = echo.examine(Patient(Config()))
    assert check.ok and "echo_guard" in check.found
    [check] = echo.examine(Patient(Config(audio=AudioConfig(echo_guard=False))))
    assert not check.ok and "headset" in check.found
