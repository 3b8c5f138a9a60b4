"""What PulseAudio itself says of its sources."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import anyio.to_thread
import pytest

from assistant.audio import sound_server
from assistant.audio.microphone import Microphone
from assistant.config import AudioConfig, Config
from assistant.doctor import echo, sound
from assistant.doctor.check import Patient
from assistant.errors import DeviceError
from bench.virtual_sound import VirtualSound
from tests.doubles.command import assistant

pytestmark = pytest.mark.pulse
CANCELLER = "clean_microphone"


@pytest.fixture
def server(sound: VirtualSound, monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualSound]:
    """This process's sound server is the virtual one."""
    for name, value in sound.env.items():
        monkeypatch.setenv(name, value)
    yield sound


@contextmanager
def module(server: VirtualSound, *arguments: str) -> Iterator[None]:
    """A module of PulseAudio, loaded inside."""
    done = pactl(server, "load-module", *arguments)
    if done.returncode != 0:
        pytest.skip(f"this PulseAudio has no {arguments[0]}: {done.stderr}")
    try:
        yield
    finally:
        pactl(server, "unload-module", done.stdout.strip())


@contextmanager
def chosen(server: VirtualSound, source: str) -> Iterator[None]:
    """The default source, inside."""
    assert pactl(server, "set-default-source", source).returncode == 0
    try:
        yield
    finally:
        assert pactl(server, "set-default-source", "virtual_microphone").returncode == 0


def pactl(server: VirtualSound, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["pactl", *arguments], env=server.env, capture_output=True, text=True, check=False, timeout=10
    )


def canceller(master: str) -> tuple[str, ...]:
    names = (f"source_name={CANCELLER}", f"source_master={master}", "sink_master=speaker")
    return "module-echo-cancel", *names, "aec_method=webrtc"


def opened() -> bool:
    """Whether the microphone, opened and closed, was virtual."""

    async def main() -> bool:
        microphone = Microphone(AudioConfig())
        try:
            await microphone.open()
            return microphone.virtual
        finally:
            await microphone.close()

    return anyio.run(main)


def test_the_silence_of_what_programs_play_is_known_through_whatever_filters(
    devices: None, server: VirtualSound
) -> None:
    assert [source.name for source in sound_server.sources() if source.is_default] == ["virtual_microphone"]
    assert opened()
    assert not sound_server.is_virtual("USB Mic: Audio (hw:1,0)")
    assert not any(source.cancels_echo for source in sound_server.sources())
    with module(server, *canceller("virtual_microphone")), chosen(server, CANCELLER):
        assert opened()


def test_the_silence_of_a_filter_is_a_fault_unless_its_microphone_is_heard(
    devices: None, server: VirtualSound, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PulseAudio's null source stands in for a microphone that is dead, its sine source for one that is not."""
    filter_of_filter = ("module-remap-source", f"master={CANCELLER}", "source_name=filtered")
    with module(server, "module-null-source", "source_name=dead"), module(server, *canceller("dead")):
        for source in ("dead", CANCELLER):
            with chosen(server, source):
                assert not opened()
        with module(server, *filter_of_filter), chosen(server, "filtered"):
            assert not opened()
    monkeypatch.setattr(sound_server, "_TIMEOUT_S", 30.0)  # it holds its first sound back, and a machine may be slow
    with module(server, "module-sine-source", "source_name=alive"), module(server, *canceller("alive")):
        with chosen(server, "alive"):
            assert not opened(), "it has no reason to be silent"
        with chosen(server, CANCELLER):
            assert opened()
            for source in ("alive", CANCELLER):
                pactl(server, "set-source-mute", source, "1")
                assert not opened()
                pactl(server, "set-source-mute", source, "0")
        with module(server, *filter_of_filter), chosen(server, "filtered"):
            assert opened()
        assert not server.recorders(), "nobody listens any more"


def test_what_the_speaker_plays_is_no_microphone(devices: None, server: VirtualSound) -> None:
    async def main() -> None:
        microphone = Microphone(AudioConfig())
        for _ in range(2):  # however often it is tried
            with pytest.raises(DeviceError, match=r"no microphone.*'speaker\.monitor'") as raised:
                await microphone.open()
            assert "set-default-source" in (raised.value.remedy or "")
            assert not await anyio.to_thread.run_sync(server.recorders), "it is not left open"

    with chosen(server, "speaker.monitor"):
        anyio.run(main)
        level = next(check for check in sound.examine(Patient(Config())) if check.name == "level")
        assert not level.ok and "no microphone" in level.found
    assert opened()


def test_a_server_that_puts_the_speaker_in_the_place_of_a_microphone_is_noticed(
    devices: None, server: VirtualSound, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PulseAudio does when its only microphone is pulled; the stream goes on as if nothing were."""
    monkeypatch.setattr("assistant.audio.microphone._LOOK_EVERY_S", 0.1)

    async def main() -> None:
        microphone = Microphone(AudioConfig())
        await microphone.open()
        try:
            with anyio.fail_after(60), chosen(server, "speaker.monitor"):
                async for _ in microphone.frames():
                    pass
        finally:
            await microphone.close()

    with pytest.raises(DeviceError, match="no microphone"):
        anyio.run(main)


def test_without_a_server_or_its_tool_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert sound_server.sources() == []
    assert not sound_server.is_virtual("default")


def test_an_echo_canceller_is_named_and_told_how_to_use(server: VirtualSound) -> None:
    with module(server, *canceller("mic.monitor")):
        [check] = echo.examine(Patient(Config()))
        assert not check.ok and not check.needed
        assert check.remedy.endswith(f"pactl set-default-source {CANCELLER}")
        listed = json.loads(assistant("devices", "--json", env=server.env).stdout)
        assert [source["name"] for source in listed["echo_cancelled"]] == [CANCELLER]

        with chosen(server, CANCELLER):
            [check] = echo.examine(Patient(Config()))
            assert check.ok and "sound server's" in check.found


def test_without_one_the_own_guard_is_named_or_missed(server: VirtualSound) -> None:
    [check] = echo.examine(Patient(Config()))
    assert check.ok and "echo_guard" in check.found
    [check] = echo.examine(Patient(Config(audio=AudioConfig(echo_guard=False))))
    assert not check.ok and "headset" in check.found
