"""What the topics say about machines: folders in place of `/`, scripts in place of programs, real small devices."""

from __future__ import annotations

import pwd
from pathlib import Path

import cv2
import numpy as np
import pytest

from assistant.config import Config, StateConfig, VisionConfig
from assistant.doctor import camera, engines, machine, service, sound_stack, storage, time
from assistant.doctor.check import SERVICE_USER, Check, Patient
from assistant.doctor.level import level_of
from assistant.muting import MuteMemory
from assistant.settings import SYSTEM_FILE
from tests.doubles.machine import TracedMachine
from tests.doubles.nobody import as_nobody, open_folder


def by_name(checks: object) -> dict[str, Check]:
    return {check.name: check for check in checks}  # type: ignore[attr-defined]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a script of a program's name before all others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    def write(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return write


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of this machine's own assistant counts."""
    folder = tmp_path / "state"
    folder.mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", str(folder))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def shot(tmp_path: Path, pixels: np.ndarray) -> Check:
    picture = tmp_path / "picture.png"
    cv2.imwrite(str(picture), pixels)
    [check] = camera.examine(Patient(Config(vision=VisionConfig(camera=str(picture)))))
    return check


def test_a_picture_is_taken_and_a_black_one_is_told(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    seen = shot(tmp_path, noise)
    assert seen.ok
    assert "64 × 48" in seen.found
    black = shot(tmp_path, np.zeros((48, 64, 3), np.uint8))
    assert not black.ok
    assert "cap" in black.remedy


def test_a_muted_assistants_camera_is_not_opened(tmp_path: Path, state: Path) -> None:
    MuteMemory(state).remember(True)
    check = shot(tmp_path, np.zeros((48, 64, 3), np.uint8))
    assert check.ok
    assert "muted" in check.found


def test_a_csi_camera_that_does_not_open_may_have_to_be_freed() -> None:
    [check] = camera.examine(Patient(Config(vision=VisionConfig(camera="nvarguscamerasrc ! nvvidconv ! appsink"))))
    assert not check.ok
    assert "systemctl restart nvargus-daemon" in check.remedy


def test_a_camera_that_is_not_there_is_no_fault_that_stops_anything(tmp_path: Path) -> None:
    [check] = camera.examine(Patient(Config(vision=VisionConfig(camera="7")), root=tmp_path))
    assert (check.ok, check.needed) == (False, False)
    assert "/dev/video7" in check.found


@pytest.mark.parametrize(
    ("samples", "seconds", "trouble"),
    [
        (np.zeros(16_000, np.float32), 1.0, "silence to the last bit"),
        (np.random.default_rng(0).normal(0, 0.05, 8_000).astype(np.float32), 1.0, "50% of the samples"),
        (np.ones(16_000, np.float32) * np.sign(np.sin(np.arange(16_000))).astype(np.float32), 1.0, "overdriven"),
        (np.random.default_rng(0).normal(0, 0.00005, 16_000).astype(np.float32), 1.0, "very quiet"),
        (np.zeros(0, np.float32), 1.0, "0% of the samples"),
    ],
)
def test_sound_that_is_none_is_told_from_a_room(samples: np.ndarray, seconds: float, trouble: str) -> None:
    found = level_of(samples, seconds).trouble
    assert found is not None
    assert trouble in found[0]
    assert found[1]


def test_a_room_is_measured() -> None:
    level = level_of(np.random.default_rng(0).normal(0, 0.01, 16_000).astype(np.float32), 1.0)
    assert level.trouble is None
    assert level.rms_db == pytest.approx(-40, abs=0.2)
    assert level.meter.startswith("[#")


def test_a_hot_jetson_is_told_so(tmp_path: Path) -> None:
    traced = TracedMachine(tmp_path, "orin-nano-weak-supply")
    (tmp_path / "sys/class/thermal/thermal_zone8/temp").write_text("91000\n")
    (tmp_path / "sys/class/hwmon/hwmon2/oc3_event_cnt").write_text("4\n")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.3, GCID: 1, BOARD: generic\n")
    checks = by_name(machine.examine(Patient(Config(), root=traced.root)))
    assert checks["Jetson Linux"].found == "36.4.3"
    assert checks["temperature"].found == "91 °C at tj-thermal"
    assert not checks["temperature"].ok
    assert "4 times" in checks["power supply"].found
    assert checks["memory"].ok


def test_a_service_that_failed_is_told_with_what_to_do(program) -> None:
    program(
        "systemctl",
        "printf 'LoadState=loaded\\nActiveState=failed\\nSubState=failed\\nUnitFileState=disabled\\n"
        "NRestarts=5\\nResult=watchdog\\n'",
    )
    program("journalctl", "printf 'Starting\\nError: The disk is full.\\nFree some space.\\nStopped\\n'")
    checks = by_name(service.examine(Patient(Config())))
    assert not checks["service"].ok
    assert "watchdog" in checks["service"].found
    assert checks["service"].found.endswith("It said: Error: The disk is full.")
    assert "5 restarts" in checks["service"].found
    assert "journalctl" in checks["service"].remedy
    assert "enable" in checks["start at boot"].remedy


def test_a_program_that_is_missing_or_fails_is_no_fault(program) -> None:
    program("systemctl", "exit 1")
    program("timedatectl", "echo 'Failed to connect to bus' >&2; exit 1")
    assert by_name(service.examine(Patient(Config())))["service"].ok
    assert by_name(time.examine(Patient(Config())))["clock synchronization"].ok


@pytest.mark.parametrize("owner", ["the service", "a user without a name", "somebody, without a service's user"])
def test_the_services_folder_must_be_its_own(owner: str, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state.mkdir(exist_ok=True)

    def user_named(name: str) -> pwd.struct_passwd:
        assert name == SERVICE_USER
        if owner == "somebody, without a service's user":
            raise KeyError(name)
        number = state.stat().st_uid + (owner != "the service")
        return pwd.struct_passwd((name, "x", number, 0, "", "/", "/bin/false"))

    def nameless(number: int) -> pwd.struct_passwd:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwnam", user_named)
    monkeypatch.setattr(pwd, "getpwuid", nameless)
    check = by_name(storage.examine(Patient(Config(), SYSTEM_FILE)))["state"]
    assert check.ok == (owner == "the service")
    assert check.ok or f"chown -R {SERVICE_USER}" in str(check.remedy)


def test_a_state_folder_that_cannot_be_made_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = by_name(storage.examine(Patient(Config(state=StateConfig(dir=tmp_path / "file/state")))))["state"]
    assert not check.ok
    assert "file/state" in check.found and "cannot be made" in check.found
    assert "state.dir" in check.remedy


@pytest.mark.parametrize(
    ("config", "remedy"),
    [(None, "assistant-export compile"), (SYSTEM_FILE, "systemctl start --no-block edge-assistant-engines")],
)
def test_how_an_engine_is_built_is_told_as_it_goes_for_whoever_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Path | None, remedy: str
) -> None:
    (tmp_path / "edge-assistant/engines/tiny").mkdir(parents=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    check = by_name(engines.examine(Patient(Config(), config)))["engine tiny"]
    assert not check.ok and remedy in check.remedy


def test_engines_of_a_service_that_are_closed_to_who_asks_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_folder() as cache:
        (cache / "edge-assistant/engines").mkdir(parents=True)
        (cache / "edge-assistant/engines").chmod(0)
        monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
        with as_nobody():
            check = by_name(engines.examine(Patient(Config(), SYSTEM_FILE)))["engines"]
    assert (check.ok, check.needed) == (False, False)
    assert "cannot be read by you" in check.found
    assert "sudo" in check.remedy


def test_a_clock_that_nobody_keeps_is_told(program) -> None:
    program("timedatectl", "printf 'Timezone=Asia/Shanghai\\nNTP=no\\nNTPSynchronized=no\\n'")
    check = by_name(time.examine(Patient(Config())))["clock synchronization"]
    assert not check.ok
    assert "set-ntp" in check.remedy


def test_a_sound_server_of_another_user_is_why_nothing_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PULSE_SERVER", "PULSE_RUNTIME_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(sound_stack, "_running_servers", lambda: [("pipewire", "anna")])
    (tmp_path / "proc/asound").mkdir(parents=True)
    (tmp_path / "proc/asound/cards").write_text(
        " 0 [Array          ]: USB-Audio - ReSpeaker 4 Mic Array\n                      Seeed at usb-1\n"
    )
    checks = by_name(sound_stack.examine(Patient(Config(), root=tmp_path)))
    assert checks["sound cards"].found == "USB-Audio - ReSpeaker 4 Mic Array"
    assert not checks["sound server"].ok
    assert "pipewire of anna" in checks["sound server"].found
    (tmp_path / sound_stack.SYSTEM_SOCKET).parent.mkdir(parents=True)
    (tmp_path / sound_stack.SYSTEM_SOCKET).touch()
    assert by_name(sound_stack.examine(Patient(Config(), root=tmp_path)))["sound server"].ok


@pytest.mark.parametrize("socket", ["session/pulse/native", "run/pulse/native"])
def test_a_sound_server_that_nobody_can_ask_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, socket: str
) -> None:
    for name in ("PULSE_SERVER", "PULSE_RUNTIME_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "session"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "pactl" not in by_name(sound_stack.examine(Patient(Config(), root=tmp_path))), "there is nobody to ask"
    (tmp_path / socket).parent.mkdir(parents=True)
    (tmp_path / socket).touch()
    check = by_name(sound_stack.examine(Patient(Config(), root=tmp_path)))["pactl"]
    assert (check.ok, check.needed) == (False, False)
    assert "not installed" in check.found and "pulseaudio-utils" in check.remedy
    (tmp_path / "pactl").touch(mode=0o755)
    assert by_name(sound_stack.examine(Patient(Config(), root=tmp_path)))["pactl"].ok
