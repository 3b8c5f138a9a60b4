"""What PulseAudio itself says of its sources."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from assistant.audio import sound_server
from assistant.config import AudioConfig, Config
from assistant.doctor import echo
from assistant.doctor.check import Patient
from bench.virtual_sound import VirtualSound
from tests.doubles.command import ROOT, assistant

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


_OPENS = """
import contextlib
import sys
import anyio
from assistant.audio import microphone, sound_server
from assistant.config import AudioConfig
from assistant.errors import DeviceError

sound_server._TIMEOUT_S = float(sys.argv[1])
microphone._LOOK_EVERY_S = float(sys.argv[2])

async def main():
    opened = microphone.Microphone(AudioConfig())
    for _ in range(2):  # however often it is tried
        try:
            await opened.open()
        except DeviceError as error:
            print(f"{error}", flush=True)
        else:
            print(opened.virtual, flush=True)
        input()
    with anyio.fail_after(60):
        while True:
            try:
                async for _ in opened.frames():
                    pass
            except DeviceError as error:
                print(f"{error}", flush=True)
            await opened.close()
            await anyio.sleep(0.5)
            with contextlib.suppress(DeviceError):
                await opened.open()

anyio.run(main)
"""


class Opened:
    """The microphone of a process of its own: PortAudio is not made to look at a server and back at none again and
    again in one process."""

    def __init__(
        self,
        server: VirtualSound,
        *,
        patience_s: float = 3.0,
        looks_every_s: float = 3600.0,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _OPENS, str(patience_s), str(looks_every_s)],
            env=server.env | {"PYTHONPATH": str(ROOT)} | dict(env or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def told(self) -> str:
        """The next that it tells: whether it was virtual when it was opened, or why it could not be."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def tells_within(self, seconds: float) -> bool:
        """Whether it has something to tell by then."""
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()


def opened(server: VirtualSound, *, patience_s: float = 3.0) -> str:
    """What the microphone told when it was opened."""
    with Opened(server, patience_s=patience_s) as microphone:
        return microphone.told()


def test_the_silence_of_what_programs_play_is_known_through_whatever_filters(server: VirtualSound) -> None:
    assert [source.name for source in sound_server.sources() if source.is_default] == ["virtual_microphone"]
    assert opened(server) == "True"
    assert not sound_server.is_virtual("USB Mic: Audio (hw:1,0)")
    assert not any(source.cancels_echo for source in sound_server.sources())
    with module(server, *canceller("virtual_microphone")), chosen(server, CANCELLER):
        assert opened(server) == "True"


def test_the_silence_of_a_filter_is_a_fault_unless_its_microphone_is_heard(server: VirtualSound) -> None:
    """PulseAudio's null source stands in for a microphone that is dead, its sine source for one that is not."""
    filter_of_filter = ("module-remap-source", f"master={CANCELLER}", "source_name=filtered")
    with module(server, "module-null-source", "source_name=dead"), module(server, *canceller("dead")):
        for source in ("dead", CANCELLER):
            with chosen(server, source):
                assert opened(server) == "False"
        with module(server, *filter_of_filter), chosen(server, "filtered"):
            assert opened(server) == "False"
    with module(server, "module-sine-source", "source_name=alive"), module(server, *canceller("alive")):
        with chosen(server, "alive"):
            assert opened(server) == "False", "it has no reason to be silent"
        with chosen(server, CANCELLER):
            # It holds its first sound back, and a machine may be slow.
            assert opened(server, patience_s=30.0) == "True"
            for source in ("alive", CANCELLER):
                pactl(server, "set-source-mute", source, "1")
                assert opened(server) == "False"
                pactl(server, "set-source-mute", source, "0")
        with module(server, *filter_of_filter), chosen(server, "filtered"):
            assert opened(server, patience_s=30.0) == "True"


def test_what_the_speaker_plays_is_no_microphone(server: VirtualSound) -> None:
    with chosen(server, "speaker.monitor"):
        with Opened(server) as microphone:
            for _ in range(2):
                assert "no microphone, but what 'speaker.monitor' hears" in microphone.told()
                assert not server.recorders(), "it is not left open"
                microphone.go_on()
        level = next(
            check
            for check in json.loads(assistant("doctor", "--json", env=server.env).stdout)
            if check["name"] == "level"
        )
        assert not level["ok"] and "no microphone" in level["found"]
    assert opened(server) == "True"


def test_a_server_that_puts_the_speaker_in_the_place_of_a_microphone_is_noticed(server: VirtualSound) -> None:
    """As PulseAudio does when its only microphone is pulled; the stream goes on as if nothing were."""
    with Opened(server) as microphone:
        for _ in range(2):  # it is open the second time
            assert microphone.told() == "True"
            microphone.go_on()
        told = ""
        for _ in range(10):  # on a busy machine nobody may listen yet to what the server tells, or sound stops
            with chosen(server, "speaker.monitor"):
                if microphone.tells_within(6.0) and "no microphone" in (told := microphone.told()):
                    break
        assert "no microphone" in told


def test_where_the_server_tells_nothing_by_itself_it_is_asked_now_and_then(
    server: VirtualSound, tmp_path: Path
) -> None:
    deaf = tmp_path / "pactl"
    script = f'#!/bin/sh\n[ "$1" = subscribe ] && exec sleep 3600\nexec {shutil.which("pactl")} "$@"\n'
    deaf.write_text(script, encoding="utf-8")
    deaf.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    with Opened(server, looks_every_s=0.1, env={"PATH": path}) as microphone:
        for _ in range(2):
            assert microphone.told() == "True"
            microphone.go_on()
        with chosen(server, "speaker.monitor"):
            assert "no microphone" in microphone.told()


def test_without_a_server_or_its_tool_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert sound_server.sources() == []
    assert not sound_server.is_virtual("default")


def test_asking_starts_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none runs, the library by which programs ask would start one, which takes the cards from who uses them."""
    started, program = tmp_path / "started", tmp_path / "pactl"
    program.write_text(f'#!/bin/sh\n[ -n "$PULSE_NO_SPAWN" ] || touch "{started}"\nexit 1\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("PULSE_NO_SPAWN", raising=False)
    assert sound_server.chosen() == ""
    assert not started.exists()


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
