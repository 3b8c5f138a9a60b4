"""What PulseAudio or PipeWire tells about its sources: what one is made of, and whether echoes are cancelled.

Both are asked through `pactl`, of Debian's package pulseaudio-utils, which neither brings; without it nothing is known.
PortAudio sees no more than one device for the whole server.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from assistant.errors import DeviceError

_TIMEOUT_S = 3.0
"""For an answer, and for the first sound of a source: one of PulseAudio's holds back up to 2 s of it."""
_ECHO_CANCELLED = re.compile(r"echo[-_. ]?cancel", re.IGNORECASE)
_NULL_SINK = re.compile(r"module-null-sink|support\.null-audio-sink")
"""PulseAudio's driver, and PipeWire's factory."""

_SERVER_DEVICES = ("default", "pulse", "pipewire", "sysdefault")
"""What ALSA calls the device behind which a sound server may be."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something that can be recorded."""

    index: str
    name: str
    """What `PULSE_SOURCE` and `pactl set-default-source` take."""
    description: str
    is_monitor: bool
    """Whether it is what programs play into a sink, most often a speaker."""
    is_null: bool
    """Whether no device is behind it, only what programs play into a null sink."""
    master: str
    """The name of the source that it is made of, as an echo canceller's is; empty if it is of none, or that is not
    told: PipeWire tells it of no source."""
    is_muted: bool
    is_default: bool

    @property
    def cancels_echo(self) -> bool:
        """Whether the sound server takes out of it what the speaker plays."""
        return not self.is_monitor and bool(_ECHO_CANCELLED.search(f"{self.name} {self.description}"))


def sources() -> list[Source]:
    """All sources of the running sound server, none without one or without `pactl`."""
    listing, info = _pactl("list", "sources"), _pactl("info")
    wanted = os.environ.get("PULSE_SOURCE") or _field(info, "Default Source")
    return [_source(index, block, wanted) for index, block in _blocks("Source", listing)]


def _source(index: str, block: str, wanted: str) -> Source:
    name = _field(block, "Name")
    return Source(
        index=index,
        name=name,
        description=_field(block, "Description"),
        is_monitor=_field(block, "Monitor of Sink") not in ("", "n/a"),
        is_null=bool(_NULL_SINK.search(f"{_field(block, 'Driver')} {_property(block, 'factory.name')}")),
        master=_property(block, "device.master_device"),
        is_muted=_field(block, "Mute") == "yes",
        is_default=name == wanted,
    )


def is_behind(device_name: str) -> bool:
    """Whether a sound server may be behind PortAudio's device `device_name`."""
    return device_name.split(":")[0].strip().lower() in _SERVER_DEVICES


def chosen() -> str:
    """The microphone and the speaker that the sound server gives to whoever asks for none; empty without an answer.
    Blocking."""
    info = _pactl("info")
    asked = [os.environ.get(f"PULSE_{name.upper()}") or _field(info, f"Default {name}") for name in ("Source", "Sink")]
    return " and ".join(asked) if info else ""


def is_virtual(device_name: str) -> bool | None:
    """Whether silence to the last bit is no fault of PortAudio's input `device_name`, which this process records from,
    because a program makes its sound: it is what programs play into a null sink, or what a filter leaves of a sound
    that can be heard in front of it. PulseAudio's echo cancellers leave nothing of a quiet room. None
    where no server tells. Blocking.

    Raises `DeviceError` when what is recorded is what a speaker plays, which a server without a microphone gives.
    """
    recorded = _recorded() if is_behind(device_name) else ""
    found = sources() if recorded else []
    source = next((source for source in found if source.index == recorded), None)
    if source is None:
        return None if is_behind(device_name) else False
    if source.is_monitor:
        raise DeviceError(
            f"The sound server gives no microphone, but what '{source.name}' hears: the sound that programs play.",
            remedy="Plug a microphone in, or choose one: `pactl list short sources`, `pactl set-default-source NAME`.",
        )
    chain = _chain(source, {source.name: source for source in found})
    end = chain[-1]
    if end.master or any(link.is_muted for link in chain):  # what it was made of has gone
        return False
    return end.is_null or (len(chain) > 1 and not end.is_monitor and _is_heard(end.name))


def _chain(source: Source, found: Mapping[str, Source]) -> list[Source]:
    """A source, what it is made of, what that is made of … as far as it is there."""
    chain = [source]
    while (master := found.get(chain[-1].master)) is not None and master not in chain:
        chain.append(master)
    return chain


def _is_heard(name: str) -> bool:
    """Whether anything but one and the same value comes from the source `name`."""
    command = ["parec", f"--device={name}", "--raw", "--format=s32le", "--latency-msec=20"]
    deadline_s = time.monotonic() + _TIMEOUT_S
    values: set[int] = set()
    rest = b""
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment())
    except OSError:
        return False
    with process:
        assert process.stdout is not None
        try:
            while (left_s := deadline_s - time.monotonic()) > 0.0:
                if not select.select([process.stdout], [], [], left_s)[0]:
                    break
                if not (block := os.read(process.stdout.fileno(), 65_536)):
                    break
                sound = rest + block
                whole = len(sound) // 4 * 4
                values.update(memoryview(sound)[:whole].cast("i"))
                rest = sound[whole:]
                if len(values) > 1:
                    return True
        finally:
            process.kill()
    return False


def _recorded() -> str:
    """The index of the source that this process records; empty if the server knows of none."""
    streams = [block for _, block in _blocks("Source Output", _pactl("list", "source-outputs"))]
    own = [block for block in streams if _property(block, "application.process.id") == str(os.getpid())]
    return _field(own[-1], "Source") if own else ""


def _blocks(kind: str, listing: str) -> Iterator[tuple[str, str]]:
    """The index of each thing that is listed, and what is told of it."""
    parts = re.split(rf"^{kind} #(\d+)$", listing, flags=re.MULTILINE)[1:]
    return zip(parts[::2], parts[1::2], strict=True)


def _property(text: str, name: str) -> str:
    match = re.search(rf'^\s*{re.escape(name)} = "(.*)"$', text, re.MULTILINE)
    return match[1] if match else ""


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
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
            env=environment(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def environment() -> dict[str, str]:
    """What a program that asks the server runs in: it speaks English, and starts no server where none runs."""
    return {**os.environ, "LC_ALL": "C", "PULSE_NO_SPAWN": "1"}
