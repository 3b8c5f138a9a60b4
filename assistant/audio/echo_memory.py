"""What the echo guard learned, kept across restarts: a room sounds as it did before."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import numpy as np

from assistant.atomic import replace_file
from assistant.audio import sound_server
from assistant.audio.echo import EchoGuard
from assistant.audio.sound_devices import without_address
from assistant.ports import AudioSink, AudioSource

_LOG = logging.getLogger(__name__)
NAME = "echo.npz"
_LOOK_EVERY_S = 60.0


class EchoMemory:
    """Sees to it that the guard knows what there is to know of the way between its two devices, and of no others'."""

    def __init__(self, folder: Path | None, microphone: AudioSource, speaker: AudioSink) -> None:
        """Without a `folder` nothing is kept."""
        self.guard = EchoGuard()
        self._path = folder and folder / NAME
        self._microphone, self._speaker = microphone, speaker
        self._chosen = ""
        self._devices, self._named = "", ("", "")
        """What the guard's knowledge is of; empty while that is not known."""
        self._forgotten = self.guard.forgotten
        self._kept_frames = 0.0
        self._is_told = False
        self._opened = anyio.Event()
        microphone.devices_changed = self.opened

    def opened(self) -> None:
        """The microphone was opened, or the sound server has changed its devices: it may be another one, and the
        speaker too."""
        self._opened.set()

    async def run(self) -> None:
        """Take up what is known of the devices whenever they change, and keep it whenever twice as much is known as is
        kept; for ever. Files and the sound server are asked off the event loop."""
        while True:
            self._opened = anyio.Event()
            await self._look()
            with anyio.move_on_after(_LOOK_EVERY_S):
                await self._opened.wait()

    def keep(self) -> None:
        """Keep what is known in the end."""
        if self._knows_more(1.0) and self._named == self._names():
            self._write(self._devices, self.guard.learned())

    async def _look(self) -> None:
        forgotten, named = self.guard.forgotten, self._names()
        devices = await anyio.to_thread.run_sync(self._which, named)
        if devices == self._devices and forgotten == self._forgotten:
            if self._knows_more(2.0):
                # Copies, for the guard goes on learning.
                learned = {name: values.copy() for name, values in self.guard.learned().items()}
                if await anyio.to_thread.run_sync(self._write, devices, learned):
                    self._kept_frames = float(learned["frames"])
            return
        kept = await anyio.to_thread.run_sync(self._read, devices)
        if self.guard.forgotten != forgotten or self._names() != named:
            self._opened.set()  # they have changed again
            return
        if self._devices and forgotten == self._forgotten:
            self.guard.forget()
        self._devices, self._named, self._kept_frames = devices, named, 0.0
        self.guard.play_through(without_address(self._speaker.name))
        if kept is not None:
            self._take_up(kept)
        self._forgotten = self.guard.forgotten

    def _knows_more(self, times: float) -> bool:
        same = self._path is not None and bool(self._devices) and self.guard.forgotten == self._forgotten
        return same and self.guard.experienced_frames > times * self._kept_frames

    def _names(self) -> tuple[str, str]:
        return without_address(self._microphone.name), without_address(self._speaker.name)

    def _which(self, named: tuple[str, str]) -> str:
        """Which devices these are; behind a sound server, those that it has chosen as far as it has ever told.
        Blocking."""
        if not any(map(sound_server.is_behind, named)):
            return ", ".join(named)
        self._chosen = sound_server.chosen() or self._chosen or self._chosen_before(named)
        return ", ".join((*named, self._chosen))

    def _chosen_before(self, named: tuple[str, str]) -> str:
        """What the sound server had chosen when something was kept; empty if nothing is, of these names."""
        kept, prefix = self._load(), ", ".join((*named, ""))
        devices = "" if kept is None else str(kept["devices"])
        return devices.removeprefix(prefix) if devices.startswith(prefix) else ""

    def _take_up(self, learned: Mapping[str, Any]) -> None:
        try:
            frames = float(learned["frames"])
            if frames > self.guard.experienced_frames:
                self.guard.recall(learned)
        except (ValueError, KeyError) as error:
            self._tell_unreadable(error)
        else:
            self._kept_frames = frames

    def _read(self, devices: str) -> Mapping[str, Any] | None:
        """What is kept of these devices, None if nothing is."""
        kept = self._load()
        return kept if kept is not None and str(kept["devices"]) == devices else None

    def _load(self) -> dict[str, Any] | None:
        """What is kept, of whatever devices; None if nothing is."""
        if self._path is None:
            return None
        try:
            with self._path.open("rb") as file:
                kept = dict(np.load(file, allow_pickle=False))
            return kept | {"devices": str(kept["devices"])}
        except FileNotFoundError:
            return None
        except Exception as error:  # a damaged archive makes numpy and zipfile raise nearly anything
            self._tell_unreadable(error)
            return None

    def _write(self, devices: str, learned: Mapping[str, Any]) -> bool:
        """Whether it could be written; that it could not is told once."""
        assert self._path is not None
        try:
            with replace_file(self._path) as temporary, temporary.open("wb") as file:
                np.savez(file, **dict[str, Any](learned, devices=np.array(devices)))
        except OSError as error:
            if not self._is_told:
                _LOG.warning("What was learned of the echo cannot be kept: %s: %s.", self._path, error.strerror)
            self._is_told = True
            return False
        self._is_told = False
        return True

    def _tell_unreadable(self, error: Exception) -> None:
        _LOG.warning("What was learned of the echo cannot be read and is begun anew: %s: %s.", self._path, error)
