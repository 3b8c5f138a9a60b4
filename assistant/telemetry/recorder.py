"""What the assistant got in its last seconds, kept in memory for who wants to know why it did what it did.

Written out, it is a script that `assistant replay` takes: the sound to the sample, the pictures at their times.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import cv2
import numpy as np

from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from assistant.audio.files import write_wav
from assistant.config import RecorderConfig
from assistant.errors import ConfigError, ControlError
from assistant.events import AudioArray, AudioFrame, Event, ImageArray, Notice, VideoFrame
from assistant.ports import Clock
from assistant.telemetry.events_file import line_of

FOLDER = "recording"
"""In the state folder."""
SCRIPT = "replay.toml"
_PICTURES_EVERY_S = 0.5
_JPEG_QUALITY = 90
_GAP_S = 0.1
"""Less than this may be no lost sound, but a sound card whose clock goes slow."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """What was written."""

    folder: Path
    sound_s: float
    pictures: int


@dataclass(frozen=True, slots=True)
class _Moments:
    """What is kept, and when its first sample was heard: monotonic seconds and by the wall's clock."""

    sound: AudioArray
    pictures: Sequence[tuple[float, bytes]]
    lines: Sequence[bytes]
    begins_s: float
    begins: datetime


class Recorder:
    """Three rings: frames of sound by reference, pictures as JPEG, and events as lines of JSON, for an event may hold a
    picture that nobody needs any more. As a `TurnObserver` it forgets them when it is muted, and keeps none meanwhile.
    """

    def __init__(self, seconds: int, folder: Path, clock: Clock) -> None:
        """`seconds` is how much is kept, `folder` where `dump` writes it."""
        self.seconds = seconds
        self._folder, self._clock = folder, clock
        self._sound: deque[tuple[float, AudioFrame]] = deque()
        self._pictures: deque[tuple[float, bytes]] = deque()
        self._lines: deque[tuple[float, bytes]] = deque()
        self._muted = False
        self._dumping = anyio.Lock()

    @classmethod
    def create(cls, config: RecorderConfig, state: Path | None, clock: Clock) -> Recorder | None:
        """One that writes into the state folder; None if nothing shall be kept."""
        return cls(config.seconds, state / FOLDER, clock) if config.seconds and state is not None else None

    def heard(self, frame: AudioFrame) -> None:
        """Keep a frame from the microphone."""
        if not self._muted:
            self._sound.append((frame.at_s, frame))
            self._forget_older()

    async def seen(self, frame: VideoFrame) -> None:
        """Keep a picture from the camera, unless the last one is too recent. It is encoded off the event loop, and
        whoever wants to look at it waits so long: a copy for later would be larger than all that is kept."""
        if self._pictures and frame.at_s - self._pictures[-1][0] < _PICTURES_EVERY_S:
            return
        try:
            encoded = await asyncio.to_thread(_jpeg, frame.pixels)
        except (cv2.error, MemoryError):  # no failure of the camera's
            return
        if not self._muted:
            self._pictures.append((frame.at_s, encoded))
            self._forget_older()

    def on_event(self, event: Event) -> None:
        """Keep an event; forget all when it is muted, and once more when it is not any longer."""
        if isinstance(event, Notice) and event.kind in ("muted", "unmuted"):
            self._muted = event.kind == "muted"
            for ring in (self._sound, self._pictures, self._lines):
                ring.clear()
        if not self._muted and not isinstance(event, AudioFrame):
            self._lines.append((self._clock.monotonic_s(), line_of(event, log_content=True)))
            self._forget_older()

    async def dump(self) -> Dumped:
        """Write what is kept in the place of what was written before. Raises `ControlError` when there is nothing, and
        `ConfigError` when it cannot be written; then nothing is left of it."""
        async with self._dumping:
            self._forget_older()
            frames = [frame for _, frame in self._sound]
            if not frames:
                raise ControlError("Nothing was heard lately.", remedy="Try again once it hears: assistant status")
            pictures, lines = list(self._pictures), [line for _, line in self._lines]
            now_s, now = self._clock.monotonic_s(), self._clock.wall()
            return await asyncio.to_thread(self._write, frames, pictures, lines, now_s, now)

    def _forget_older(self) -> None:
        since_s = self._clock.monotonic_s() - self.seconds
        for ring in (self._sound, self._pictures, self._lines):
            while ring and ring[0][0] < since_s:
                ring.popleft()

    def _write(
        self,
        frames: Sequence[AudioFrame],
        pictures: Sequence[tuple[float, bytes]],
        lines: Sequence[bytes],
        now_s: float,
        now: datetime,
    ) -> Dumped:
        sound, begins_s = _continuous(frames)
        moments = _Moments(sound, pictures, lines, begins_s, now - timedelta(seconds=now_s - begins_s))
        folder = self._folder
        try:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True, mode=0o700)
            _write(folder, moments)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise ConfigError(
                f"The recording cannot be written to {folder}: {error.strerror}.",
                remedy="Free some space, or set state.dir to a folder that the assistant may write to.",
            ) from error
        return Dumped(folder, len(sound) / SAMPLE_RATE_HZ, len(pictures))


def _continuous(frames: Sequence[AudioFrame]) -> tuple[AudioArray, float]:
    """All samples with silence in the place of sound that was lost, in whole frames so that the networks get the same
    frames again; and when the first one was heard, in monotonic seconds."""
    ends_s = np.array([frame.at_s for frame in frames])
    late_s = ends_s - np.cumsum([len(frame.samples) for frame in frames]) / SAMPLE_RATE_HZ
    # What was only taken late comes at once and catches up; what was lost never does.
    lost_s = np.minimum.accumulate(late_s[::-1])[::-1]
    blocks: list[AudioArray] = []
    filled_s = begins_s = float(lost_s[0])
    for frame, until_s in zip(frames, lost_s, strict=True):
        if until_s - filled_s > _GAP_S:
            count = round((until_s - filled_s) * SAMPLE_RATE_HZ / FRAME_SAMPLES) * FRAME_SAMPLES
            blocks.append(np.zeros(count, np.float32))
            filled_s += count / SAMPLE_RATE_HZ
        blocks.append(frame.samples)
    return np.concatenate(blocks), begins_s


def _write(folder: Path, moments: _Moments) -> None:
    """Raises `OSError`."""
    write_wav(folder / "audio.wav", moments.sound, SAMPLE_RATE_HZ, exact=True)
    (folder / "events.jsonl").write_bytes(b"".join(moments.lines))
    script = [
        f"# The sound begins at {moments.begins_s:.3f} s on the clock of events.jsonl.",
        f'title = "Recorded at {moments.begins:%Y-%m-%d %H:%M:%S}"',
        f"starts_at = {moments.begins.isoformat()}",
        '\n[[step]]\naudio = "audio.wav"\nbefore_s = 0.0',
    ]
    for number, (at_s, picture) in enumerate(moments.pictures):
        name = f"picture-{number:04}.jpg"
        (folder / name).write_bytes(picture)
        script.append(f"\n[[picture]]\nat_s = {max(0.0, at_s - moments.begins_s):.3f}\nfile = {json.dumps(name)}")
    (folder / SCRIPT).write_text("\n".join(script) + "\n", encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o600)


def _jpeg(pixels: ImageArray) -> bytes:
    bgr = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes()
