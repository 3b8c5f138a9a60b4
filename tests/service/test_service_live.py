"""The assistant as a service runs it, asked and told through its own command. Real sound, models and sockets."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from assistant.control.address import NAME
from assistant.control.client import ask_at
from assistant.control.protocol import Status, StatusResult
from assistant.errors import AlreadyRunningError, ConfigError, ControlError, DeviceError, MediaError, NotRunningError
from bench.virtual_sound import VirtualSound
from tests.doubles.command import Running, assistant, typed, wait_until
from tests.doubles.events_file import say_until
from tests.doubles.mjpeg import NetworkCamera
from tests.doubles.person import Person

pytestmark = [pytest.mark.pulse, pytest.mark.models]
QUESTION = "What time is it?"


class Systemd:
    """The end of the notification socket that systemd has."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.address = folder / "notify.sock"
        self._socket.bind(str(self.address))
        self.messages: list[tuple[float, str]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while data := self._socket.recv(65_536):
            self.messages.append((time.monotonic(), data.decode()))

    def said(self, text: str, since: int = 0) -> int:
        """How many of the messages say so, from that one on."""
        return sum(text in message for _, message in self.messages[since:])

    def close(self) -> None:
        self._socket.sendto(b"", str(self.address))
        self._thread.join(5)
        self._socket.close()


@pytest.fixture
def systemd(sockets: Path) -> Iterator[Systemd]:
    listener = Systemd(sockets)
    yield listener
    listener.close()


class Owner:
    """Who has installed the assistant: its configuration, and the commands that are typed."""

    def __init__(self, folder: Path, sockets: Path, sound: VirtualSound, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self.file = folder / "assistant.toml"
        self.socket = sockets / NAME
        self.configure()
        self.env = sound.env | {
            "RUNTIME_DIRECTORY": str(sockets),
            "STATE_DIRECTORY": str(folder / "state"),
            "XDG_RUNTIME_DIR": str(sockets),
            "COLUMNS": "200",
            "PULSE_SERVER": f"unix:{sound.env['PULSE_RUNTIME_PATH']}/native",
        }

    def configure(self, extra: str = "", *, camera: str = "none") -> None:
        self.file.write_text(f'vision = {{ camera = "{camera}" }}\nemotion = {{ channels = [] }}\n' + extra)

    def types(self, *arguments: str, code: int = 0) -> str:
        ended, printed = typed(*arguments, "--config", self.file, env=self.env, capture=self._capture)
        assert ended == code, printed
        return printed

    def status(self) -> StatusResult:
        return ask_at([self.socket], Status(), StatusResult, timeout_s=30)


@pytest.fixture
def owner(tmp_path: Path, sockets: Path, sound: VirtualSound, capfd: pytest.CaptureFixture[str]) -> Owner:
    return Owner(tmp_path, sockets, sound, capfd)


@pytest.fixture
def service(owner: Owner, systemd: Systemd, spoken: Person) -> Iterator[Running]:
    spoken(QUESTION)  # before it listens: making a recording takes all the cores that there are
    env = owner.env | {"NOTIFY_SOCKET": str(systemd.address), "WATCHDOG_USEC": "3000000"}
    with Running("run", "--config", owner.file, env=env) as running:
        wait_until(lambda: systemd.said("READY=1") or not running.alive, "It is ready")
        assert running.alive, running.output
        yield running


def test_asked_told_and_ended(
    service: Running, owner: Owner, systemd: Systemd, sound: VirtualSound, spoken: Person
) -> None:
    status = owner.status()
    assert (status.state, status.pid, status.config_file) == ("running", service.pid, str(owner.file))
    assert "hears" in owner.types("status")
    second = assistant("run", "--config", owner.file, env=owner.env)
    assert second.returncode == AlreadyRunningError.exit_code
    assert f"process {service.pid} holds" in second.stderr and "Traceback" not in second.stderr

    tap = sound.tap("speaker")
    since_s = time.monotonic()
    owner.types("say", "Dinner is ready.")
    wait_until(lambda: tap.loud_at(since_s), "The speaker plays")
    tap.close()
    assert "no word" in owner.types("say", "…", code=MediaError.exit_code)

    assert "Muted" in owner.types("mute")
    assert owner.status().health.muted and owner.status().health.ok
    wait_until(lambda: systemd.said("STATUS=Muted"), "systemd is told")
    assert "muted" in owner.types("listen-now", code=ControlError.exit_code)
    owner.types("unmute")
    wait_until(lambda: owner.status().health.hears, "It hears again")
    assert owner.types("volume", "30") and owner.status().volume == 0.3

    def call_and_ask() -> None:
        assert "speak now" in owner.types("listen-now")
        sound.speak(spoken(QUESTION))

    say_until(lambda: "first sound" in service.output, "It answers", call_and_ask, owner.socket)
    wait_until(lambda: owner.status().latency, "The turn was measured")

    assert service.end(signal.SIGTERM) == 0
    assert systemd.said("STOPPING=1") and systemd.said("WATCHDOG=1") > 1
    assert systemd.messages[0][1].startswith("STATUS=Does not hear"), "nothing is ready before it hears"
    assert "Traceback" not in service.output
    assert "nobody listens" in owner.types("status", code=NotRunningError.exit_code)

    sound.pull_microphone()
    try:
        begun = len(systemd.messages)
        env = owner.env | {"NOTIFY_SOCKET": str(systemd.address), "WATCHDOG_USEC": "3000000"}
        with Running("run", "--config", owner.file, env=env) as again:
            wait_until(lambda: systemd.said("WATCHDOG=1", begun) > 5, "It lives for 5 s, as it tells every second")
            assert "The assistant does not hear" in owner.types("status", code=1)
            assert not systemd.said("READY=1", begun) and systemd.said("STATUS=Does not hear", begun)
            sound.plug_microphone()
            wait_until(lambda: systemd.said("READY=1", begun), "It is ready")
            assert owner.status().latency["mouth_to_ear"].count >= 1, "kept across the restart"
            assert again.end(signal.SIGINT) == 0
    finally:  # one for the tests that follow, wherever this one has failed
        sound.pull_microphone()
        sound.plug_microphone()


def test_muted_neither_microphone_nor_camera_is_open_also_in_the_process_after_a_crash(
    owner: Owner, sound: VirtualSound, spoken: Person
) -> None:
    asks = spoken("Hey Jarvis, what time is it?")
    with NetworkCamera() as camera:
        owner.configure(camera=camera.address)
        with Running("run", "--config", owner.file, env=owner.env) as running:
            running.wait_for("Listening", timeout_s=120)
            wait_until(lambda: sound.recorders() and camera.watchers, "It hears and sees")

            os.kill(running.pid, signal.SIGUSR1)
            wait_until(lambda: not sound.recorders() and not camera.watchers, "Both are closed")
            health = owner.status().health
            assert (health.muted, health.hears, health.ok) == (True, False, True)
            sound.speak(asks)
            assert not sound.recorders() and not camera.watchers, "they stay closed"

            os.kill(running.pid, signal.SIGUSR1)
            wait_until(lambda: sound.recorders() and camera.watchers, "Both are open")
            wait_until(lambda: owner.status().health.hears, "It hears again")
            assert "time is it" not in running.output, "what was said meanwhile is not for it"
            sound.speak(asks)
            running.wait_for("time is it")
            running.wait_for("first sound")
            assert "Traceback" not in running.output

            owner.types("mute")
            assert running.end(signal.SIGKILL) == -signal.SIGKILL
        opened, recorders = camera.connections, sound.recorders()
        with Running("run", "--config", owner.file, env=owner.env) as again:

            def runs() -> bool:
                recorders.extend(sound.recorders())
                return any("Microphone and camera are closed" in line for line in list(again.lines))

            wait_until(runs, "It runs")
            assert owner.status().health.muted
            sound.speak(asks)
            recorders += sound.recorders()
            assert recorders == [] and camera.connections == opened, "neither was opened"
            owner.types("unmute")
            wait_until(lambda: sound.recorders() and camera.watchers, "Both are open")
            wait_until(lambda: owner.status().health.hears, "It hears")
            assert "time is it" not in again.output
            assert again.end(signal.SIGTERM) == 0
            assert "Traceback" not in again.output


def test_the_recognisers_library_crashes_while_somebody_speaks(
    service: Running, owner: Owner, sound: VirtualSound, spoken: Person
) -> None:
    """The service neither ends nor starts anew, the network is nowhere but in the process that crashed, and who spoke
    is answered."""
    assistant_itself = psutil.Process(service.pid)
    mapped = {Path(region.path).name for region in assistant_itself.memory_maps()}
    assert not [name for name in mapped if "ctranslate2" in name or name == "model.bin"]
    [recogniser] = [child for child in assistant_itself.children() if "assistant.asr.worker_main" in child.cmdline()]
    asks = spoken("Hey Jarvis, what time is it?")
    since_s, tap = time.monotonic(), sound.tap("speaker")
    speaking = threading.Thread(target=sound.speak, args=(asks,))
    speaking.start()
    recogniser.send_signal(signal.SIGSEGV)
    speaking.join()
    wait_until(lambda: tap.loud_at(since_s), "It answers")
    tap.close()
    service.wait_for("works again")
    status = owner.status()
    assert status.pid == service.pid and status.health.ok and "recognizer process" not in status.health.unavailable
    assert service.output.count("SIGSEGV") == 1
    assert service.end(signal.SIGTERM) == 0
    assert not recogniser.is_running()


def test_a_new_configuration_comes_into_force_or_changes_nothing(
    service: Running, owner: Owner, systemd: Systemd
) -> None:
    assert "as it was" in owner.types("reload")

    owner.configure("[audio]\nvolumee = 1.0\n")
    refused = owner.types("reload", code=ConfigError.exit_code)
    assert f"{owner.file}:4" in refused and "audio.volumee" in refused
    status = owner.status()
    assert status.state == "running" and "audio.volumee" in status.config_error
    wait_until(lambda: systemd.said("The old configuration is in force"), "systemd is told")
    assert "audio.volumee" in service.output

    owner.configure("[audio]\nvolume = 0.25\n")
    assert "In force: audio.volume" in owner.types("reload")
    assert (owner.status().volume, owner.status().config_error) == (0.25, "")
    assert not systemd.said("RELOADING=1"), "what is applied live ends nothing"

    owner.configure('[audio]\nvolume = 0.25\ninput = "a microphone that nobody has"\n')
    missing = owner.types("reload", code=DeviceError.exit_code)
    assert "nobody has" in missing
    assert owner.status().state == "running", "the old one is in force again"

    wait_until(lambda: owner.status().health.hears, "It hears again")
    owner.configure('[wake]\nphrases = ["computer"]\n')
    os.kill(service.pid, signal.SIGHUP)
    service.wait_for("computer", timeout_s=120)
    # One that takes less than it takes to look is over before systemd could be told of it; see test_notify.py.
    wait_until(lambda: systemd.said("READY=1") == 1 + systemd.said("RELOADING=1"), "It is ready again")
    assert owner.status().volume == 0.8
    assert service.end(signal.SIGTERM) == 0


def test_reload_after_reload_closes_nothing_and_leaves_nothing_behind(
    service: Running, owner: Owner, sound: VirtualSound
) -> None:
    process = psutil.Process(service.pid)

    def reload(number: int) -> None:
        owner.configure(f"[wake]\nfollow_up_s = {5 + number % 2}\n")
        assert "In force: wake.follow_up_s" in owner.types("reload")
        wait_until(lambda: owner.status().health.hears, "It hears again")

    def held() -> tuple[list[str], list[psutil.Process]]:
        return sound.recorders(), process.children()

    opened_anew = 0
    for number in range(1, 22):
        before = held()
        reload(number)
        opened_anew += held() != before
        if number == 5:  # what is needed once has come by then
            threads, files, memory = process.num_threads(), process.num_fds(), process.memory_info().rss
    # On a busy machine sound may stop for so long that the microphone is opened anew, whatever is reloaded.
    assert opened_anew <= 2, "microphone and voices stay open"
    # Twenty reloads that leave a file or a thread behind leave twenty; the loop's own helpers come as they are needed.
    wait_until(lambda: process.num_fds() < files + 5, f"No more files than {files}")
    wait_until(lambda: process.num_threads() < threads + 10, f"No more threads than {threads}, but for the helpers")
    # What buffers leave behind is given back once a minute. One network alone has more.
    wait_until(lambda: process.memory_info().rss - memory < 10e6, "No more memory")

    def networks() -> list[psutil.Process]:
        return [child for child in process.children() if child.name() != "pactl"]  # that one is the microphone's

    recorders, children = sound.recorders(), networks()

    owner.configure("[audio]\nqueue_s = 4\n")
    owner.types("reload")
    wait_until(lambda: owner.status().health.hears, "It hears again")
    assert len(sound.recorders()) == 1 and sound.recorders() != recorders, "another microphone took its place"
    assert networks() == children
