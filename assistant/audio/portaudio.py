"""The PortAudio library: who calls it, and when it looks anew for devices (see `sound_devices`).

A driver may take its time or hang, and the library must not be initialised anew while another call is inside it: a
running assistant calls it through `ask`, `begin` and `release` only, which have one thread for all devices.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Literal

import anyio

from assistant.errors import DependencyMissingError, DeviceError, StageError
from assistant.worker import Worker

Direction = Literal["input", "output"]
KINDS = {"input": "microphone", "output": "speaker"}
"""What a person calls them."""

_ANSWERS_S = 8.0
"""A busy machine whose sound server has just begun may take seconds to open a device."""
_CLOSES_S = 2.0
"""How long the end of the assistant waits for a device to be closed."""

# A new process would meet the same driver, and the timers that run in this one would be lost: no reason for a restart.
_worker = Worker("sound driver", timeout_s=_ANSWERS_S, restart_helps=False)


async def ask(direction: Direction, name: str, call: Callable[[], None]) -> None:
    """Run `call`, which uses PortAudio for the device `name`, off the event loop. Raises `DeviceError`, also when no
    answer comes in time, and at once while an earlier call hangs."""
    try:
        await _worker.run(call)
    except StageError as error:
        if _worker.hangs:
            _end_without_it()
        raise DeviceError(
            f"The {KINDS[direction]} '{name}' cannot be used. {error.message}",
            remedy="Unplug it and plug it in again, or restart the sound server; it is tried again all the time.",
        ) from error


def begin(call: Callable[[], None]) -> None:
    """Have `call` run as soon as PortAudio is free; nothing waits for it."""
    _worker.begin(call)


async def release(call: Callable[[], None]) -> None:
    """Have `call` give a device back: after all that was asked before, however late that is, but wait for it only as
    long as the end of the assistant may take."""
    with anyio.CancelScope(shield=True):
        if not await _worker.finish_within(_CLOSES_S, call):
            _end_without_it()


def hangs() -> bool:
    """Whether a call hangs, so that `ask` would fail at once."""
    return _worker.hangs


def _end_without_it() -> None:
    """A driver that hangs would do so in the library's own end too, at the interpreter's exit."""
    atexit.unregister(getattr(sys.modules.get("sounddevice"), "_exit_handler", _end_without_it))


def load() -> ModuleType:
    """The `sounddevice` module. Raises `DependencyMissingError` when the PortAudio library is not installed."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # OSError: the module is there, libportaudio2 is not
        raise DependencyMissingError(
            f"Sound needs the PortAudio library, which cannot be loaded: {error}",
            remedy="Install it with: sudo apt-get install libportaudio2",
        ) from error
    global _cards_seen
    if _cards_seen is None:  # it has looked when it was imported
        _cards_seen = _cards()
    module: ModuleType = sounddevice
    return module


_CARDS = Path("/proc/asound/cards")
"""Where Linux lists its sound cards."""

_epoch = 0
_cards_seen: str | None = None
_ended = False
"""Whether the library was ended and has not begun again since."""


def epoch() -> int:
    """How often `rescan` was called. A stream that was opened in an earlier epoch is gone and must not be touched."""
    return _epoch


_users: dict[Callable[[], None], Callable[[], bool]] = {}


def on_rescan(reopen: Callable[[], None], *, is_playing: Callable[[], bool] = lambda: False) -> None:
    """Have `reopen` called after every `rescan`, until `off_rescan`. `is_playing` tells, on the thread of `ask`,
    whether people would hear it."""
    _users[reopen] = is_playing


def off_rescan(reopen: Callable[[], None]) -> None:
    """Undo `on_rescan`; does nothing if there is nothing to undo."""
    _users.pop(reopen, None)


def is_playing() -> bool:
    """Whether a `rescan` would be heard."""
    return any(playing() for playing in list(_users.values()))  # the event loop adds and removes them meanwhile


def is_alone(reopen: Callable[[], None]) -> bool:
    """Whether a `rescan` would end nobody else's stream than that of him who would be told by `reopen`."""
    return all(user == reopen for user in list(_users))


def devices_changed() -> bool:
    """Whether sound cards have come or gone since PortAudio last looked, or it could not look, so that a rescan is
    worth its price."""
    return _ended or _cards() != _cards_seen


def rescan() -> None:
    """Have PortAudio look again: it caches its list, so a device that was plugged in later is invisible until then.

    Every open stream dies with it; see `epoch` and `on_rescan`. Raises `DeviceError` when PortAudio does not start; the
    next call tries again.
    """
    global _epoch, _cards_seen, _ended
    sounddevice = load()
    _epoch += 1
    _cards_seen = _cards()
    with contextlib.suppress(sounddevice.PortAudioError):  # its only error: it did not start the last time
        sounddevice._terminate()
    _ended = True
    try:
        sounddevice._initialize()
    except sounddevice.PortAudioError as error:
        raise DeviceError(
            f"The sound library does not start: {error}", remedy="`assistant doctor` tells more."
        ) from error
    _ended = False
    for reopen in list(_users):
        reopen()


def _cards() -> str:
    try:
        return _CARDS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
