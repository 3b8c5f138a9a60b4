"""The machine's sound devices as PortAudio lists them: finding one by its name, and opening its stream.

All but `without_address` call the library; see `portaudio` for how a running assistant does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from assistant.audio.portaudio import KINDS, Direction, load
from assistant.errors import DeviceError

_NONE_FOUND = {
    "input": "Plug one in; `assistant devices` lists what is there. Without one, use recordings: `assistant replay`.",
    "output": 'Plug one in, or set audio.output = "none". `assistant devices` lists what is there.',
}


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """One device as PortAudio lists it."""

    index: int
    name: str
    host: str
    """The sound system behind it: "ALSA", "PulseAudio" …"""
    inputs: int
    outputs: int
    default_rate_hz: int


def devices() -> list[SoundDevice]:
    """All devices, as they were when PortAudio was last initialised (see `rescan`). Raises `DeviceError` when they
    cannot be listed."""
    sounddevice = load()
    try:
        hosts = [host["name"] for host in sounddevice.query_hostapis()]
        entries = list(sounddevice.query_devices())
    except Exception as error:  # a device's name that is no text, a library that was ended meanwhile …
        raise DeviceError(
            f"The sound library cannot list the devices: {error!r}.", remedy="`assistant doctor` tells more."
        ) from error
    return [
        SoundDevice(
            index=index,
            name=entry["name"],
            host=hosts[entry["hostapi"]],
            inputs=entry["max_input_channels"],
            outputs=entry["max_output_channels"],
            default_rate_hz=round(entry["default_samplerate"]),
        )
        for index, entry in enumerate(entries)
    ]


def find(wanted: str, direction: Direction, *, known_as: str = "") -> SoundDevice:
    """The device that a configuration value names: "default", an index, or a part of a name. An index counts as long as
    no name is known: when devices come and go, others get it.

    Raises `DeviceError` listing what there is.
    """
    found = [device for device in devices() if (device.inputs if direction == "input" else device.outputs)]
    kind = KINDS[direction]
    if not found:
        raise DeviceError(
            f"This machine has no {kind} that PortAudio can see.",
            remedy=_NONE_FOUND[direction],
        )
    if wanted == "default":
        position = load().default.device[0 if direction == "input" else 1]
        chosen = [device for device in found if device.index == position] or found[:1]
    elif wanted.isdecimal() and known_as:
        alike = [device for device in found if without_address(device.name) == without_address(known_as)]
        # Of two of a kind the one that has kept its address, else its index.
        chosen = sorted(alike, key=lambda device: (device.name != known_as, device.index != int(wanted)))
    elif wanted.isdecimal():
        chosen = [device for device in found if device.index == int(wanted)]
    else:
        chosen = [device for device in found if wanted.lower() in device.name.lower()]
    if not chosen:
        names = ", ".join(f"{device.index}: {device.name}" for device in found)
        raise DeviceError(
            f"There is no {kind} '{known_as or wanted}'; this machine has {names}.",
            remedy=f"Set audio.{direction} to a part of one of these names.",
        )
    return chosen[0]


def without_address(name: str) -> str:
    """A name without ALSA's card and device number, which a device changes when it is plugged in again."""
    return re.sub(r"\s*\(hw:\d+,\d+\)$", "", name)


def open_stream(
    device: SoundDevice, direction: Direction, rates_hz: Iterable[int], make: Callable[[int], Any]
) -> tuple[Any, int]:
    """What `make` makes of the first of `rates_hz` that `device` takes, and that rate.

    Raises `DeviceError` when it takes none.
    """
    error_type = load().PortAudioError
    tried, failure = [], None
    for rate_hz in dict.fromkeys(rates_hz):
        tried.append(str(rate_hz))
        try:
            return make(rate_hz), rate_hz
        except error_type as error:
            failure = error
    raise DeviceError(
        f"The {KINDS[direction]} '{device.name}' cannot be opened at {' or '.join(tried)} Hz: {failure}",
        remedy="Another program may hold it; `assistant doctor` tells more.",
    ) from failure


def start_stream(
    device: SoundDevice, direction: Direction, rates_hz: Iterable[int], make: Callable[[int], Any]
) -> tuple[Any, int]:
    """As `open_stream`; the stream runs."""

    def start(rate_hz: int) -> Any:
        stream = make(rate_hz)
        try:
            stream.start()
        except load().PortAudioError:
            stream.close(ignore_errors=True)
            raise
        return stream

    return open_stream(device, direction, rates_hz, start)
