"""Which sound system serves this process: without a login session, a user's PipeWire or PulseAudio serves nobody."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil

from assistant.doctor.check import Check, Patient

SYSTEM_SOCKET = "run/pulse/native"
_SERVERS = ("pipewire", "pipewire-pulse", "wireplumber", "pulseaudio")


def examine(patient: Patient) -> Iterator[Check]:
    """The sound server that this user reaches, and the sound cards below it."""
    cards = patient.root / "proc/asound/cards"
    listed = _cards(cards)
    remedy = "Plug a sound device in; `dmesg | tail` tells whether the kernel knows it."
    yield Check("sound cards", bool(listed), "; ".join(listed) or "the kernel knows none", remedy, needed=False)
    yield _server(patient)
    yield from _tool(patient)


def _server(patient: Patient) -> Check:
    running = _running_servers()
    owners = ", ".join(f"{name} of {user}" for name, user in running) or "none"
    session = next((path for path in (*_session_sockets(), _runtime() / "pipewire-0") if path.exists()), None)
    if session is not None:
        return Check("sound server", True, f"this session's, at {session} ({owners})")
    if os.environ.get("PULSE_SERVER"):
        return Check("sound server", True, f"{os.environ['PULSE_SERVER']}, by PULSE_SERVER ({owners})")
    system = patient.root / SYSTEM_SOCKET
    if system.exists():
        usable = os.access(system, os.W_OK)
        remedy = "Join its group and start anew: sudo usermod -aG pulse-access $USER"
        return Check("sound server", usable, f"system-wide, at {system} ({owners})", remedy, needed=False)
    if running:
        return Check(
            "sound server",
            False,
            f"none for this user, but one for another ({owners}): it may hold the devices",
            "Run this in that user's session, or let the service have the devices: docs/sound.md.",
            needed=False,
        )
    return Check("sound server", True, "none; PortAudio talks to ALSA directly")


def _tool(patient: Patient) -> Iterator[Check]:
    """`pactl`, where there is a server that it could ask: much is asked through it, and without it nothing."""
    sockets = (*_session_sockets(), patient.root / SYSTEM_SOCKET)
    if os.environ.get("PULSE_SERVER") or any(socket.exists() for socket in sockets):
        path = shutil.which("pactl")
        found = path or "not installed: whether the microphone is a real one, or its echoes are cancelled, is not known"
        yield Check("pactl", path is not None, found, "sudo apt-get install pulseaudio-utils", needed=False)


def _session_sockets() -> tuple[Path, ...]:
    """Where this user's PulseAudio, or PipeWire as one, listens."""
    return _runtime() / "native", _runtime() / "pulse/native"


def _runtime() -> Path:
    return Path(os.environ.get("PULSE_RUNTIME_PATH") or os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")


def _cards(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    # " 0 [Device         ]: USB-Audio - USB Audio Device", and a second line with more.
    return [line.partition("]:")[2].strip() for line in lines if "]:" in line]


def _running_servers() -> list[tuple[str, str]]:
    found = set()
    for process in psutil.process_iter(["name", "username"]):
        if process.info["name"] in _SERVERS:
            found.add((process.info["name"], process.info["username"] or "?"))
    return sorted(found)
