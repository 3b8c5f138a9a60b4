"""What systemd is told, on a real datagram socket, in virtual time but for what hangs."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from assistant.health import Health
from assistant.service.notify import Notifier, describe, keep_told
from assistant.virtual_time import run_in_virtual_time

HEARS = Health(hears=True)
DEAF = Health(hears=False, reason="The microphone delivers nothing.")
WAITING = Health(hears=False, reason="This machine has no microphone.", waiting=True)
MUTED = Health(hears=False, reason="Muted: microphone and camera are closed.", muted=True)


class Patient:
    """A service whose health is given."""

    def __init__(self, health: Health) -> None:
        self.now = health
        self.config_error = ""
        self.reloading_since_s: float | None = None

    def health(self) -> Health:
        return self.now


class Systemd:
    """Receives, without waiting: what was sent to a datagram socket is there."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(path)

    def heard(self) -> list[str]:
        """What came since the last call."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(65_536).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    receiver = Systemd(str(tmp_path / "notify.sock"))
    yield receiver
    receiver.close()


@pytest.fixture
def notifier(systemd: Systemd, tmp_path: Path) -> Notifier:
    return Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify.sock"), "WATCHDOG_USEC": "30000000"})


def told(notifier: Notifier, patient: Patient, systemd: Systemd, *steps: tuple[float, Health]) -> list[list[str]]:
    """What is said within each step: so many seconds with that health."""

    async def main() -> list[list[str]]:
        said: list[list[str]] = []
        async with anyio.create_task_group() as group:
            group.start_soon(keep_told, notifier, patient)
            for duration_s, health in steps:
                patient.now = health
                said.append([])
                end_s = anyio.current_time() + duration_s
                # The system keeps a few datagrams only.
                while (left_s := end_s - anyio.current_time()) > 0:
                    await anyio.sleep(min(10.0, left_s))
                    said[-1] += systemd.heard()
            group.cancel_scope.cancel()
        return said

    return run_in_virtual_time(main)


def test_ready_waits_for_proof_of_hearing(notifier: Notifier, systemd: Systemd) -> None:
    deaf, hearing = told(notifier, Patient(DEAF), systemd, (20.0, DEAF), (1.0, HEARS))
    assert deaf == ["STATUS=Does not hear. The microphone delivers nothing."]
    assert hearing == ["READY=1", "STATUS=Listening.", "WATCHDOG=1"]


def test_without_a_microphone_it_is_given_time_until_one_is_heard(notifier: Notifier, systemd: Systemd) -> None:
    steps = ((600.0, WAITING), (5.0, DEAF), (1.0, HEARS), (60.0, WAITING))
    waiting, opened, hearing, lost = told(notifier, Patient(WAITING), systemd, *steps)
    assert not any("READY=1" in said for said in waiting + opened)
    assert waiting.count("EXTEND_TIMEOUT_USEC=30000000") == 60, "three times as often as systemd must hear it"
    assert "STATUS=Does not hear. This machine has no microphone." in waiting
    assert hearing[0] == "READY=1"
    assert lost.count("WATCHDOG=1") == 6 and not any("EXTEND" in said for said in opened + hearing + lost)


def test_a_start_that_is_deaf_or_hangs_is_given_no_time(notifier: Notifier, systemd: Systemd) -> None:
    hung = Health(hears=True, hung=("recogniser",))
    hung_without_a_microphone = Health(hears=False, waiting=True, hung=("object detector",))
    for health in (DEAF, hung, hung_without_a_microphone):
        (said,) = told(notifier, Patient(health), systemd, (60.0, health))
        assert not any(field in line for line in said for field in ("EXTEND", "READY", "WATCHDOG"))


@pytest.mark.parametrize(("before", "after"), [(HEARS, WAITING), (WAITING, HEARS)])
def test_a_reload_without_a_microphone_ends_as_it_began(
    notifier: Notifier, systemd: Systemd, before: Health, after: Health
) -> None:
    """Ready it stays so; one that is not yet ready has its time while it is being reloaded too."""
    patient = Patient(before)

    async def main() -> tuple[list[str], list[str]]:
        async with anyio.create_task_group() as group:
            group.start_soon(keep_told, notifier, patient)
            await anyio.sleep(1)
            systemd.heard()
            patient.now, patient.reloading_since_s = DEAF, anyio.current_time()
            await anyio.sleep(50)
            reloading = systemd.heard()
            patient.now, patient.reloading_since_s = after, None
            await anyio.sleep(1)
            over = systemd.heard()
            group.cancel_scope.cancel()
        return reloading, over

    reloading, over = run_in_virtual_time(main)
    assert any("RELOADING=1" in said for said in reloading) is (before is HEARS)
    assert any("EXTEND_TIMEOUT_USEC" in said for said in reloading) is (before is WAITING)
    assert "READY=1" in over


def test_muted_on_purpose_is_ready(notifier: Notifier, systemd: Systemd) -> None:
    (said,) = told(notifier, Patient(MUTED), systemd, (1.0, MUTED))
    assert said[:2] == ["READY=1", "STATUS=Muted: microphone and camera are closed."]


def test_the_watchdog_is_fed_three_times_as_often_as_it_must_be(notifier: Notifier, systemd: Systemd) -> None:
    assert notifier.watchdog_s == 30
    (said,) = told(notifier, Patient(HEARS), systemd, (301.0, HEARS))
    assert said.count("WATCHDOG=1") == 31
    assert said.count("READY=1") == 1


def test_the_watchdog_is_not_fed_while_it_is_deaf(notifier: Notifier, systemd: Systemd) -> None:
    _, deaf, again = told(notifier, Patient(HEARS), systemd, (21.0, HEARS), (60.0, DEAF), (1.0, HEARS))
    assert deaf == ["STATUS=Does not hear. The microphone delivers nothing."]
    assert again == ["STATUS=Listening.", "WATCHDOG=1"], "it is ready still, and fed at once"


def test_a_loop_that_hangs_feeds_nothing(systemd: Systemd, tmp_path: Path) -> None:
    """No thread of its own feeds the watchdog: while something holds the loop for several periods, nothing is sent. The
    time is real, as that of a thread would be."""
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify.sock"), "WATCHDOG_USEC": "30000"})

    async def main() -> list[str]:
        async with anyio.create_task_group() as group:
            group.start_soon(keep_told, notifier, Patient(HEARS))
            await anyio.wait_all_tasks_blocked()
            assert "WATCHDOG=1" in systemd.heard()
            time.sleep(0.2)  # noqa: ASYNC251 - the loop is held
            said = systemd.heard()
            group.cancel_scope.cancel()
        return said

    assert anyio.run(main) == []


def test_a_reload_is_told_and_excused_for_a_while(notifier: Notifier, systemd: Systemd) -> None:
    patient = Patient(HEARS)

    async def main() -> tuple[list[str], list[str], list[str]]:
        async with anyio.create_task_group() as group:
            group.start_soon(keep_told, notifier, patient)
            await anyio.sleep(1)
            systemd.heard()
            patient.now, patient.reloading_since_s = DEAF, anyio.current_time()
            await anyio.sleep(61)
            excused = systemd.heard()
            await anyio.sleep(60)
            too_long = systemd.heard()
            patient.now, patient.reloading_since_s = HEARS, None
            await anyio.sleep(1)
            over = systemd.heard()
            group.cancel_scope.cancel()
        return excused, too_long, over

    excused, too_long, over = run_in_virtual_time(main)
    assert excused[0].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert excused.count("WATCHDOG=1") == 6
    assert "WATCHDOG=1" not in too_long
    assert "READY=1" in over and "WATCHDOG=1" in over


def test_what_systemd_could_not_take_is_said_again(notifier: Notifier, systemd: Systemd) -> None:
    async def main() -> list[str]:
        async with anyio.create_task_group() as group:
            while notifier.send(STATUS="Much is said."):
                pass
            group.start_soon(keep_told, notifier, Patient(HEARS))
            await anyio.sleep(5)
            systemd.heard()
            await anyio.sleep(1)
            said = systemd.heard()
            group.cancel_scope.cancel()
        return said

    assert run_in_virtual_time(main) == ["READY=1", "STATUS=Listening.", "WATCHDOG=1"]


def test_what_does_not_work_is_said_in_plain_words() -> None:
    health = Health(hears=True, unavailable={"speaker": "It is gone.", "camera": "No camera is in use."})
    assert describe(health) == "Listening. Does not work: camera, speaker."
    error = "The configuration is wrong.\n/etc/a.toml:4: audio.volume is 5."
    assert describe(HEARS, error).endswith("wrong. /etc/a.toml:4: audio.volume is 5.")
    assert "\n" not in describe(HEARS, error), "a line break would begin another field"


def test_muted_it_says_what_hangs_too() -> None:
    hung = replace(MUTED, hung=("object detector",))
    closed = "Muted: microphone and camera are closed."
    assert describe(hung) == f"{closed} This hangs, which only a restart ends: object detector."
    assert describe(MUTED) == closed


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "5000000"}, 5.0),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": str(os.getpid())}, 5.0),
        ({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_watchdog_is_that_of_this_process(environment: dict[str, str], watchdog_s: float | None) -> None:
    assert Notifier(environment).watchdog_s == watchdog_s


def test_an_abstract_socket_is_understood_and_one_that_is_gone_harms_nobody() -> None:
    name = f"edge-assistant-test-{os.getpid()}"
    receiver = Systemd(f"\0{name}")
    notifier = Notifier({"NOTIFY_SOCKET": f"@{name}"})
    notifier.send(READY="1")
    assert receiver.heard() == ["READY=1"]
    receiver.close()
    notifier.send(STOPPING="1")
    assert notifier.wanted
    nobody = Notifier({})
    nobody.send(READY="1")
    assert not nobody.wanted
