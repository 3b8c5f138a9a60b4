"""A second of a microphone: how loud it is, and whether what comes is sound at all."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, portaudio, sound_devices, sound_server
from assistant.audio.sound_devices import SoundDevice
from assistant.events import AudioArray

LISTENING_S = 1.5
_PATIENCE_S = 6.0
"""How long to wait for that much sound; a sound server may take a second to begin."""
_FLOOR_DB = -96.0
_METER_WIDTH = 16
_METER_FROM_DB = -64.0
_CLIPPED = 0.999
_QUIET_DB = -70.0
_RATE_TOLERANCE = 0.25


@dataclass(frozen=True, slots=True)
class Level:
    """What a second of sound is like."""

    peak_db: float
    """Of full scale; 0 is the loudest, -96 is nothing."""
    rms_db: float
    rate_ratio: float
    """Samples that came over those that should have come."""
    constant: bool
    """Whether all samples are alike: no microphone does that."""

    @property
    def meter(self) -> str:
        """A bar, such as "[######..........]"."""
        share = (self.peak_db - _METER_FROM_DB) / -_METER_FROM_DB
        filled = round(_METER_WIDTH * min(max(share, 0.0), 1.0))
        return f"[{'#' * filled}{'.' * (_METER_WIDTH - filled)}] peak {self.peak_db:.0f} dB, mean {self.rms_db:.0f} dB"

    @property
    def trouble(self) -> tuple[str, str] | None:
        """What is wrong with it and what to do; None if it is sound."""
        if self.constant:
            return (
                "it delivers silence to the last bit",
                "It is muted, or its driver is stuck: look at `alsamixer` (F4, F6) or `pavucontrol`, then replug it.",
            )
        if abs(self.rate_ratio - 1.0) > _RATE_TOLERANCE:
            return (
                f"it delivers {self.rate_ratio:.0%} of the samples that it should",
                "Replug it; on a hub, give it a port of its own; name another device in audio.input.",
            )
        if self.peak_db >= 20 * np.log10(_CLIPPED):
            return "it is overdriven", "Turn the capture level down in `alsamixer` (F4)."
        if self.peak_db < _QUIET_DB:
            return "it is very quiet", "Turn the capture level up in `alsamixer` (F4), and speak while this runs."
        return None


def level_of(samples: AudioArray, seconds: float, rate_hz: int = SAMPLE_RATE_HZ) -> Level:
    """`samples` (n,) float32 in [-1, 1] that came within `seconds` of real time."""
    if not samples.size:
        return Level(_FLOOR_DB, _FLOOR_DB, 0.0, constant=False)
    peak, rms = float(np.max(np.abs(samples))), float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    constant = bool(np.all(samples == samples[0]))
    return Level(_decibels(peak), _decibels(rms), samples.size / (rate_hz * seconds), constant)


def listen(device: SoundDevice) -> Level:
    """Record a good second. Raises `DeviceError` when the device cannot be opened, or is no microphone."""
    sounddevice = portaudio.load()
    blocks: list[tuple[float, AudioArray]] = []

    def keep(data: AudioArray, count: int, stream_time: object, status: object) -> None:
        blocks.append((time.monotonic(), data[:, 0].copy()))

    stream, rate_hz = sound_devices.start_stream(
        device,
        "input",
        (SAMPLE_RATE_HZ, device.default_rate_hz),
        lambda rate: sounddevice.InputStream(
            device=device.index,
            samplerate=rate,
            channels=1,
            dtype="float32",
            blocksize=FRAME_SAMPLES * rate // SAMPLE_RATE_HZ,
            latency="low",
            callback=keep,
        ),
    )
    try:
        sound_server.is_virtual(device.name)  # raises for what is no microphone
        deadline_s = time.monotonic() + _PATIENCE_S
        while sum(block.size for _, block in blocks[1:]) < LISTENING_S * rate_hz and time.monotonic() < deadline_s:
            time.sleep(0.05)
        heard = list(blocks)
    finally:
        stream.close(ignore_errors=True)
    if len(heard) < 2:
        return level_of(np.zeros(0, np.float32), LISTENING_S)
    # Sound servers deliver in bursts: less time than the sound lasts is no fault.
    seconds = heard[-1][0] - heard[0][0]
    samples = np.concatenate([block for _, block in heard[1:]])
    return level_of(samples, max(seconds, samples.size / rate_hz), rate_hz)


def _decibels(amplitude: float) -> float:
    return max(_FLOOR_DB, 20 * float(np.log10(amplitude))) if amplitude > 0 else _FLOOR_DB
