"""A machine of its own: a Debian root that systemd boots in a container, with a sound server and no network."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import TextIO

PROJECT = Path(__file__).parents[2]
SUITE = os.environ.get("SYSTEM_TEST_SUITE", "bookworm")
"""bookworm, or what JetPack 6 and 7 are made of: jammy, noble."""
CACHE = Path(os.environ.get("SYSTEM_TEST_CACHE", Path.home() / ".cache/edge-assistant-system")) / SUITE
_BOOT_S = 60.0
_OTHERS_S = 1200.0
"""How long another machine may have its turn: a whole suite takes a quarter of an hour."""
_SOUND_UNIT = """
[Unit]
Description=A system-wide sound server with a virtual microphone and a virtual speaker
[Service]
Type=notify
RuntimeDirectory=pulse
ExecStart=/usr/bin/pulseaudio --system --daemonize=no --exit-idle-time=-1 --realtime=no -n -F /etc/pulse/virtual.pa
[Install]
WantedBy=multi-user.target
"""
_SOUND = """
load-module module-native-protocol-unix auth-group=pulse-access socket=/run/pulse/native
load-module module-null-sink sink_name=mic rate=48000
load-module module-null-sink sink_name=speaker rate=48000
load-module module-remap-source master=mic.monitor source_name=virtual_microphone
set-default-source virtual_microphone
set-default-sink speaker
"""


def missing() -> list[str]:
    """What this host lacks to boot one."""
    lacking = [name for name in ("debootstrap", "systemd-nspawn", "nsenter", "setpriv") if shutil.which(name) is None]
    if os.geteuid() != 0:
        lacking.append("root")
    return lacking


def locked(file: Path, timeout_s: float = _OTHERS_S) -> TextIO:
    """The file, locked for as long as it is open; fails naming it when another process holds it for too long."""
    lock = file.open("w")
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                lock.close()
                raise AssertionError(f"Another machine still has {file} after {timeout_s:g} s.") from None
            time.sleep(0.2)


def lives(pid: int) -> bool:
    """Whether a process is there and has not ended; one that nobody has asked for its end yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Machine:
    """Context manager: prepared and booted inside it, gone afterwards. The project is at /srv/project, the offline
    folder at /srv/offline."""

    def __init__(self) -> None:
        CACHE.mkdir(parents=True, exist_ok=True)
        # Two at once would share control groups where the host's are not managed by systemd.
        self._only_one = locked(CACHE.parent / "machine.lock")
        self.root = Path(tempfile.mkdtemp(prefix="machine-", dir=CACHE))
        self._container: subprocess.Popen[bytes] | None = None
        self._init_pid = 0

    def __enter__(self) -> Machine:
        try:
            subprocess.run([Path(__file__).parent / "prepare", CACHE, SUITE], check=True, timeout=1800)
            subprocess.run(["cp", "-a", f"{CACHE}/root/.", self.root], check=True)
            subprocess.run(["git", "clone", "--quiet", PROJECT, self.root / "srv/project"], check=True)
            self._add_sound()
            (self.root / "etc/machine-id").write_text("")
            self._boot()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._only_one.close()
        subprocess.run(["rm", "-rf", "--one-file-system", self.root], check=True)

    def run(self, command: str, *, timeout_s: float = 120.0, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a shell command inside as root; fails with its output if `check` and it does not succeed."""
        result = subprocess.run(
            self._enter(command),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert not check or result.returncode == 0, (
            f"{command}: exit {result.returncode}\n{result.stdout}{result.stderr}"
        )
        return result

    def start(self, command: str) -> subprocess.Popen[bytes]:
        """Start a shell command inside; it ends with the machine at the latest."""
        return subprocess.Popen(self._enter(command), stdin=subprocess.DEVNULL)

    def write(self, path: str, text: str) -> None:
        """Write a file inside."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def reboot(self) -> None:
        """As if the plug were pulled and put in again."""
        self._stop()
        self._boot()

    def out(self, command: str, *, timeout_s: float = 120.0) -> str:
        """What a command prints, stripped; whether it succeeds does not matter."""
        return self.run(command, timeout_s=timeout_s, check=False).stdout.strip()

    def wait(self, command: str, what: str, timeout_s: float = 60.0) -> float:
        """Seconds until a command succeeds; fails naming `what`, with the service's last words."""
        begun_s = time.monotonic()
        while self.run(command, check=False).returncode != 0:
            if time.monotonic() - begun_s > timeout_s:
                words = self.out("journalctl -u 'edge-assistant*' -n 40 --no-pager -o short-monotonic")
                raise AssertionError(f"{what}: not within {timeout_s:g} s.\n{words}")
            time.sleep(0.05)
        return time.monotonic() - begun_s

    def _stop(self) -> None:
        """It need not power off first; all in it dies with its init."""
        if self._container is not None and self._container.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if self._init_pid:
                    os.kill(self._init_pid, signal.SIGKILL)
            self._container.kill()
            self._container.wait(10)
            deadline_s = time.monotonic() + 10
            while lives(self._init_pid):
                assert time.monotonic() < deadline_s, f"The machine's init, process {self._init_pid}, does not die."
                time.sleep(0.05)

    def _add_sound(self) -> None:
        (self.root / "etc/pulse/virtual.pa").write_text(_SOUND)
        (self.root / "etc/systemd/system/pulseaudio.service").write_text(_SOUND_UNIT)
        wants = self.root / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / "pulseaudio.service").symlink_to("../pulseaudio.service")
        for account in ("group", "gshadow"):  # root plays and records here
            path = self.root / "etc" / account
            lines = path.read_text().splitlines()
            path.write_text(
                "\n".join(f"{line}root" if line.startswith("pulse-access:") else line for line in lines) + "\n"
            )

    def _boot(self) -> None:
        # It dies with us, however we die.
        command: list[str | Path] = [
            "setpriv",
            "--pdeathsig=KILL",
            "systemd-nspawn",
            "--quiet",
            "--boot",
            "--directory",
            self.root,
            "--register=no",
            "--keep-unit",
        ]
        # systemd filters the network of a service by BPF.
        command += ["--private-network", "--console=pipe", "--system-call-filter=bpf"]
        command += [f"--machine=edge-{os.getpid()}", f"--bind-ro={CACHE}/offline:/srv/offline"]
        self._container = subprocess.Popen(
            command,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline_s = time.monotonic() + _BOOT_S
        while not self._is_up():
            assert self._container.poll() is None, "systemd-nspawn ended; run it by hand to see why."
            assert time.monotonic() < deadline_s, f"The machine did not boot within {_BOOT_S:g} s."
            time.sleep(0.2)
        self.wait("! systemctl is-enabled pulseaudio || systemctl is-active pulseaudio", "The sound server starts")

    def _is_up(self) -> bool:
        assert self._container is not None
        children = Path(f"/proc/{self._container.pid}/task/{self._container.pid}/children").read_text().split()
        if not children:
            return False
        self._init_pid = int(children[-1])
        state = self.out("systemctl is-system-running")
        return state in ("running", "degraded")

    def _enter(self, command: str) -> list[str]:
        environment = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
        environment += ["PULSE_SERVER=unix:/run/pulse/native", "LANG=C.UTF-8"]
        return ["nsenter", "--target", str(self._init_pid), "--all", *environment, "/bin/bash", "-c", command]
