"""What PulseAudio or PipeWire tells about its sources: whether one is a real device, and whether echoes are cancelled.

Both are asked through `pactl`, which comes with either. PortAudio sees no more than one device for the whole server.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass

_TIMEOUT_S = 3.0
_ECHO_CANCELLED = re.compile(r"echo[-_. ]?cancel", re.IGNORECASE)
_SERVER_DEVICES = ("default", "pulse", "pipewire", "sysdefault")
"""What ALSA calls the device behind which a sound server may be."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something that can be recorded."""

    name: str
    """What `PULSE_SOURCE` and `pactl set-default-source` take."""
    description: str
    is_hardware: bool
    """Whether a driver delivers it; what a program plays or has worked on is not."""
    is_monitor: bool
    """Whether it is what another program plays."""
    is_default: bool

    @property
    def cancels_echo(self) -> bool:
        """Whether the sound server takes out of it what the speaker plays."""
        return not self.is_monitor and bool(_ECHO_CANCELLED.search(f"{self.name} {self.description}"))


def sources() -> list[Source]:
    """All sources of the running sound server, none without one or without `pactl`."""
    listing, info = _pactl("list", "sources"), _pactl("info")
    wanted = os.environ.get("PULSE_SOURCE") or _field(info, "Default Source")
    found = []
    for block in re.split(r"^Source #\d+$", listing, flags=re.MULTILINE)[1:]:
        name, monitor = _field(block, "Name"), _field(block, "Monitor of Sink")
        found.append(
            Source(
                name=name,
                description=_field(block, "Description"),
                is_hardware="HARDWARE" in _field(block, "Flags").split(),
                is_monitor=monitor not in ("", "n/a"),
                is_default=name == wanted,
            )
        )
    return found


def is_behind(device_name: str) -> bool:
    """Whether a sound server may be behind PortAudio's device `device_name`."""
    return device_name.split(":")[0].strip().lower() in _SERVER_DEVICES


def chosen() -> str:
    """The microphone and the speaker that the sound server gives to whoever asks for none; empty without an answer.
    Blocking."""
    info = _pactl("info")
    asked = [os.environ.get(f"PULSE_{name.upper()}") or _field(info, f"Default {name}") for name in ("Source", "Sink")]
    return " and ".join(asked) if info else ""


def is_virtual(device_name: str) -> bool:
    """Whether the sound of PortAudio's input `device_name` comes from a program and not from a driver. Blocking."""
    return is_behind(device_name) and any(source.is_default and not source.is_hardware for source in sources())


def _field(text: str, name: str) -> str:
    match = re.search(rf"^\s*{name}: (.*)$", text, re.MULTILINE)
    return match[1].strip() if match else ""


def _pactl(*arguments: str) -> str:
    """What `pactl` prints, in English; empty when it does not work."""
    try:
        done = subprocess.run(
            ["pactl", *arguments],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={**os.environ, "LC_ALL": "C", "PULSE_NO_SPAWN": "1"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
