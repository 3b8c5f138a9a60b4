"""The units as systemd reads them, and what the configuration adds to them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from assistant import sandbox
from assistant.config import Config

UNITS = Path(__file__).parents[2] / "systemd" / "units"
MOST_EXPOSED = 1.5
needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: apt-get install systemd"
)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin"},
    )


@needs_analyze
@pytest.mark.parametrize("unit", sorted(UNITS.iterdir()), ids=lambda path: path.name)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    # Programs of an installation are not here; everything else is verified as it stands.
    for source in UNITS.iterdir():
        text = re.sub(r"/opt/edge-assistant/\S+/bin/\S+", "/bin/true", source.read_text(encoding="utf-8"))
        (tmp_path / source.name).write_text(text, encoding="utf-8")
    result = analyze("verify", "--man=no", tmp_path / unit.name)
    ours = [line for line in result.stderr.splitlines() if unit.name in line and "systemd/install.md" not in line]
    assert ours == []


@needs_analyze
@pytest.mark.parametrize("name", ["edge-assistant.service", "edge-assistant-engines.service"])
def test_the_services_are_hardly_exposed(name: str) -> None:
    result = analyze("security", "--offline=true", "--no-pager", UNITS / name)
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", result.stdout)
    if exposure is None and "offline" in result.stderr:
        pytest.skip(f"this systemd-analyze cannot look at a file: {result.stderr.strip()}")
    assert exposure is not None, result.stdout + result.stderr
    assert float(exposure[1]) <= MOST_EXPOSED, result.stdout


@pytest.mark.parametrize("name", ["edge-assistant.service", "edge-assistant-engines.service"])
def test_a_child_that_is_killed_for_its_memory_ends_no_service(name: str) -> None:
    """systemd's own default stops all of a unit of which the kernel kills one process."""
    assert "OOMPolicy=continue" in (UNITS / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ["edge-assistant.service", "edge-assistant-engines.service"])
def test_neither_service_may_take_all_the_memory(name: str) -> None:
    """A language model beside them, and the system itself, have to live too."""
    text = (UNITS / name).read_text(encoding="utf-8")
    soft, hard = (re.findall(rf"^{key}=(\d+)%$", text, re.MULTILINE) for key in ("MemoryHigh", "MemoryMax"))
    assert 0 < int(*soft) < int(*hard) < 100


def test_what_hangs_or_fails_is_started_again() -> None:
    text = (UNITS / sandbox.SERVICE).read_text(encoding="utf-8").splitlines()
    assert {"Type=notify", "WatchdogSec=30", "Restart=on-failure", "StartLimitIntervalSec=0"} <= set(text)


def test_nothing_that_the_boot_waits_for_waits_for_a_microphone() -> None:
    """multi-user.target comes after what it wants, unless that has no default dependencies."""
    for unit in UNITS.iterdir():
        said = [line.partition("=") for line in unit.read_text(encoding="utf-8").splitlines()]
        values = {key: [one for name, _, text in said if name == key for one in text.split()] for key, _, _ in said}
        waited_for = "multi-user.target" in values.get("WantedBy", []) and values.get("DefaultDependencies") != ["no"]
        waits = unit.name == sandbox.SERVICE or sandbox.SERVICE in values.get("After", [])
        assert not (waited_for and waits), unit.name


def test_the_service_may_use_sound_cards_cameras_and_a_sound_server() -> None:
    """It may use nothing else: a line that is missing takes the microphone away."""
    text = (UNITS / sandbox.SERVICE).read_text(encoding="utf-8").splitlines()
    assert {"DeviceAllow=char-alsa rw", "DeviceAllow=char-video4linux rw"} <= set(text)
    assert "RestrictAddressFamilies=AF_UNIX" in text
    [after] = [line for line in text if line.startswith("After=")]
    assert {"pulseaudio.service", "pipewire-pulse.service", "nvargus-daemon.service"} <= set(after.split())


def test_engines_are_built_though_no_microphone_is_there() -> None:
    """Its job would wait for the assistant's, which ends when it hears."""
    text = (UNITS / "edge-assistant-engines.service").read_text(encoding="utf-8")
    assert sandbox.SERVICE not in re.findall(r"[\w.-]+\.service", text)


def lines(**sections: object) -> list[str]:
    text = sandbox.drop_in(Config.model_validate(sections))
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_by_default_nothing_is_added() -> None:
    assert lines() == ["[Service]"]


@pytest.mark.parametrize(
    ("url", "families", "allowed"),
    [
        ("http://127.0.0.1:8080/v1", "AF_INET AF_INET6", "localhost"),
        ("http://localhost:8080/v1", "AF_INET AF_INET6", "localhost"),
        ("http://192.168.1.5:8080/v1", "AF_INET AF_INET6", "192.168.1.5"),
        ("http://[fd00::5]:8080/v1", "AF_INET AF_INET6", "fd00::5"),
        ("http://workstation.lan:8080/v1", "AF_INET AF_INET6 AF_NETLINK", "any"),
    ],
)
def test_a_language_model_gets_its_address_and_no_other(url: str, families: str, allowed: str) -> None:
    added = lines(dialogue={"language_model": {"url": url}})
    assert added == [
        "[Service]",
        "PrivateNetwork=no",
        f"RestrictAddressFamilies={families}",
        f"IPAddressAllow={allowed}",
    ]


@pytest.mark.parametrize(
    ("camera", "allowed"),
    [
        ("rtsp://10.0.0.7/stream", "10.0.0.7"),
        ("rtspsrc location=rtsp://10.0.0.7/stream ! decodebin ! appsink", "10.0.0.7"),
        ("udpsrc port=5000 ! decodebin ! appsink", "any"),
        ("0", None),
        ("/dev/video2", None),
        ("nvarguscamerasrc ! nvvidconv ! appsink", None),
    ],
)
def test_a_network_camera_gets_its_address_and_a_local_one_none(camera: str, allowed: str | None) -> None:
    added = lines(vision={"camera": camera})
    assert [line for line in added if line.startswith("IPAddressAllow=")] == (
        [f"IPAddressAllow={allowed}"] if allowed else []
    )


def test_several_reasons_for_a_network_are_added_up() -> None:
    added = lines(vision={"camera": "rtsp://10.0.0.7/stream"}, telemetry={"metrics_port": 9100})
    assert "IPAddressAllow=10.0.0.7 localhost" in added


def test_a_csi_camera_reaches_its_daemon() -> None:
    assert "PrivateTmp=no" in lines(vision={"camera": "nvarguscamerasrc ! nvvidconv ! appsink"})


def test_folders_and_limits() -> None:
    added = lines(
        telemetry={"events": "/var/log/edge 100%/events.jsonl"},
        service={"memory_limit_mb": 2000, "cpu_limit": 1.5},
    )
    assert added[1:] == [
        'ReadWritePaths="-/var/log/edge 100%%"',
        "MemoryHigh=1800M",
        "MemoryMax=2000M",
        "CPUQuota=150%",
    ]


@needs_analyze
def test_systemd_understands_the_widest_drop_in(tmp_path: Path) -> None:
    unit = tmp_path / "edge-assistant.service"
    text = re.sub(r"/opt/edge-assistant/\S+/bin/\S+", "/bin/true", (UNITS / unit.name).read_text(encoding="utf-8"))
    config = Config.model_validate(
        {
            "dialogue": {"language_model": {"url": "http://workstation.lan/v1"}},
            "vision": {"camera": "nvarguscamerasrc ! appsink"},
            "telemetry": {"events": "/var/log/edge 100%/events.jsonl", "metrics_port": 9100},
            "service": {"memory_limit_mb": 2000, "cpu_limit": 1.5},
        }
    )
    unit.write_text(text + sandbox.drop_in(config), encoding="utf-8")
    result = analyze("verify", "--man=no", unit)
    assert [line for line in result.stderr.splitlines() if f"{unit.name}:" in line and "install.md" not in line] == []


def test_a_wrong_configuration_leaves_the_drop_in_as_it_was(tmp_path: Path) -> None:
    config, out = tmp_path / "assistant.toml", tmp_path / "drop-in.conf"
    config.write_text("[telemetry]\nmetrics_port = 9100\n", encoding="utf-8")
    arguments = ["--config", str(config), "--out", str(out)]
    sandbox.main(arguments)
    before = out.read_text(encoding="utf-8")
    assert "IPAddressAllow=localhost" in before
    config.write_text("[telemetry]\nmetrics = 9100\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"telemetry\.metrics"):
        sandbox.main(arguments)
    assert out.read_text(encoding="utf-8") == before
