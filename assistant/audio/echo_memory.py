"""What the echo guard learned, kept across restarts: a room sounds as it did before."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import anyio.to_thread
import numpy as np

from assistant.atomic import replace_file
from assistant.audio.echo import EchoGuard
from assistant.audio.portaudio import without_address
from assistant.ports import AudioSink, AudioSource, Clock

_LOG = logging.getLogger(__name__)
NAME = "echo.npz"
_LOOK_EVERY_S = 60.0


class EchoMemory:
    """Makes the guard of a microphone and a speaker, with what is known of the way between these two."""

    def __init__(self, folder: Path | None, microphone: AudioSource, speaker: AudioSink) -> None:
        """Without a `folder` nothing is kept."""
        self._path = folder and folder / NAME
        self._microphone, self._speaker = microphone, speaker
        self._guard = EchoGuard()
        self._kept_frames = 0.0

    def guard(self) -> EchoGuard:
        """The guard. A file that cannot be read, or that tells of other devices, is begun anew."""
        if self._path is not None:
            try:
                self._recall(self._path)
            except FileNotFoundError:
                pass
            except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
                _LOG.warning(
                    "What was learned of the echo in %s cannot be read and is begun anew: %s", self._path, error
                )
        return self._guard

    async def keep_on(self, clock: Clock) -> None:
        """Keep it whenever twice as much is known as is kept, off the event loop; for ever."""
        while True:
            await clock.sleep_until(clock.monotonic_s() + _LOOK_EVERY_S)
            if self._guard.experienced_frames > 2.0 * self._kept_frames:
                await anyio.to_thread.run_sync(self._write, self._learned())

    def keep(self) -> None:
        """Keep what is known in the end."""
        if self._guard.experienced_frames > self._kept_frames:
            self._write(self._learned())

    def _recall(self, path: Path) -> None:
        with path.open("rb") as file:
            kept = np.load(file, allow_pickle=False)
            if not isinstance(kept, Mapping):
                raise ValueError("it is no archive")
            if str(kept["devices"]) != self._devices():
                return
            self._guard.recall(kept)
        self._kept_frames = self._guard.experienced_frames

    def _learned(self) -> dict[str, Any]:
        self._kept_frames = self._guard.experienced_frames
        # The guard goes on learning while this is written.
        learned = {name: values.copy() for name, values in self._guard.learned().items()}
        return learned | {"devices": np.array(self._devices())}

    def _devices(self) -> str:
        return f"{without_address(self._microphone.name)}, {without_address(self._speaker.name)}"

    def _write(self, learned: dict[str, Any]) -> None:
        if self._path is None:
            return
        try:
            with replace_file(self._path) as temporary, temporary.open("wb") as file:
                np.savez(file, **learned)
        except OSError as error:
            _LOG.warning("What was learned of the echo cannot be kept: %s: %s.", self._path, error.strerror)
