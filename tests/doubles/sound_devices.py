"""Sound cards that can be plugged, pulled and broken: what stands behind the module `sounddevice`.

As PortAudio does, it knows only the devices that were there when it was initialised, every stream dies when it is
terminated, and until it is initialised again it does nothing but say that it is not. Blocks come by the event loop's
timers, so it runs in virtual time too. Its calls come from any thread but the event loop's, for which a driver may be
too slow.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assistant.audio import portaudio
from assistant.worker import Worker

RATE_HZ = 16_000


@dataclass(eq=False)
class Card:
    """One device. A microphone hears `sound(first sample's time, samples)`; a speaker keeps what it played."""

    name: str
    sound: Callable[[float, int], np.ndarray] | None = None
    speed: float = 1.0
    """Samples delivered over those that should be."""
    stalls: bool = False
    """Neither takes nor delivers anything."""
    held_up: bool = False
    """Delivers nothing now, and all of it at once afterwards."""
    refuses: bool = False
    """Cannot be opened."""
    overflows: bool = False
    underflows: bool = False
    """Has had nothing to play for a moment, and says so with the next block."""
    takes_hz: int | None = None
    """The only rate at which it opens; any if None."""
    late_s: float = 0.0
    """From the air to the block that a microphone delivers, and from the block that a speaker takes to the air; the
    driver says so."""
    played: list[tuple[float, np.ndarray]] = field(default_factory=list)
    opened: int = 0
    pulled: int = 0

    def heard_between(self, since_s: float, until_s: float) -> bool:
        """Whether a speaker played anything but silence then."""
        return any(since_s <= at_s < until_s and np.abs(block).max() > 0.01 for at_s, block in self.played)

    def peak(self) -> float:
        """The loudest that a speaker played."""
        return max((float(np.abs(block).max()) for _, block in self.played), default=0.0)


class SoundCards:
    """The `sounddevice` module."""

    class PortAudioError(Exception):
        pass

    def __init__(self, listing: Path) -> None:
        """`listing` takes the place of /proc/asound/cards."""
        self._listing = listing
        self._known: list[Card] = []
        self._streams: list[_Stream] = []
        self.cards: list[Card] = []
        self.scans = 0
        self.does_not_start = False
        """Initialising it fails."""
        self._initialized = True
        self.loop: asyncio.AbstractEventLoop | None = None
        """That of the assistant, by whose timers blocks come."""
        self.hanging: dict[str, Callable[[], object]] = {}
        """What the driver does first in "open", "rescan" or "close"."""
        self.misused: list[str] = []
        """What no caller may do."""
        self.default = SimpleNamespace(device=[0, 0])

    def plug(self, card: Card, *, at: int | None = None) -> Card:
        """Plug a card in, under an index of its own choice."""
        self.cards.insert(len(self.cards) if at is None else at, card)
        self._list()
        return card

    def pull(self, card: Card) -> None:
        """Its streams stop without a word."""
        self.cards.remove(card)
        card.pulled += 1
        self._list()

    def begin(self) -> None:
        """The library is loaded: it knows what is there now."""
        self._look()

    @property
    def recording(self) -> bool:
        """Whether any microphone is open."""
        return any(stream.active and not stream.dead and stream.records for stream in self._streams)

    def _list(self) -> None:
        self._listing.write_text("\n".join(card.name for card in self.cards), encoding="utf-8")

    def called(self, what: str) -> None:
        """Somebody calls the library."""
        if threading.current_thread() is threading.main_thread():
            self.misused.append(f"{what} on the event loop")
        self.hanging.get(what, lambda: None)()

    def _initialize(self) -> None:
        self.scans += 1
        if self.does_not_start:
            raise self.PortAudioError("Error initializing PortAudio: Unanticipated host error")
        self._initialized = True
        self._look()

    def _need_it_initialized(self) -> None:
        if not self._initialized:
            raise self.PortAudioError("PortAudio not initialized")

    def _look(self) -> None:
        self._known = list(self.cards)
        kinds = [[index for index, card in enumerate(self._known) if bool(card.sound) is mic] for mic in (True, False)]
        self.default.device = [(kind or [-1])[0] for kind in kinds]

    def _terminate(self) -> None:
        self.called("rescan")
        self._need_it_initialized()
        self._initialized = False
        for stream in self._streams:
            stream.dead = True
        self._streams.clear()

    def query_hostapis(self) -> list[dict[str, str]]:
        self._need_it_initialized()
        return [{"name": "ALSA"}]

    def query_devices(self) -> list[dict[str, Any]]:
        self._need_it_initialized()
        return [
            {
                "name": card.name,
                "hostapi": 0,
                "max_input_channels": int(card.sound is not None),
                "max_output_channels": int(card.sound is None),
                "default_samplerate": card.takes_hz or RATE_HZ,
            }
            for card in self._known
        ]

    def InputStream(self, **settings: Any) -> _Stream:  # noqa: N802 (sounddevice's name)
        return self._open(settings, _Stream.record)

    def OutputStream(self, **settings: Any) -> _Stream:  # noqa: N802
        return self._open(settings, _Stream.play)

    def _open(self, settings: dict[str, Any], work: Callable[[_Stream], None]) -> _Stream:
        self.called("open")
        self._need_it_initialized()
        card = self._known[settings["device"]]
        if card.refuses or card not in self.cards:
            raise self.PortAudioError("Device unavailable")
        if card.takes_hz not in (None, settings["samplerate"]):
            raise self.PortAudioError("Invalid sample rate")
        card.opened += 1
        stream = _Stream(self, card, settings, work)
        self._streams.append(stream)
        return stream


class _Stream:
    def __init__(
        self, cards: SoundCards, card: Card, settings: dict[str, Any], work: Callable[[_Stream], None]
    ) -> None:
        self._cards, self._card, self._work = cards, card, work
        self._callback, self._rate_hz = settings["callback"], settings["samplerate"]
        self._count = settings["blocksize"] or round(0.02 * self._rate_hz)
        self.active = False
        self._starts = 0
        self._held = 0
        """Blocks to be delivered late."""
        self.dead = False
        self._pulled = card.pulled

    @property
    def records(self) -> bool:
        return self._card.sound is not None

    def start(self) -> None:
        self._called("start")
        if self._card.pulled != self._pulled:
            self._cards.misused.append("start of a stream whose device went away: the real library would hang")
        if self._card.refuses:
            raise self._cards.PortAudioError("Cannot start")
        self.active = True
        self._starts += 1
        assert self._cards.loop is not None
        self._cards.loop.call_soon_threadsafe(self._again, self._starts)

    def abort(self, ignore_errors: bool = False) -> None:
        self._called("abort")
        self.active = False

    stop = abort

    def close(self, ignore_errors: bool = False) -> None:
        self._called("close")
        self.active = False

    def _called(self, what: str) -> None:
        if self.dead:
            self._cards.misused.append(f"{what} of a stream of before a rescan: the real library would crash")
        self._cards.called(what)

    def _again(self, start: int) -> None:
        wait_s = self._count / self._rate_hz / self._card.speed
        asyncio.get_running_loop().call_later(wait_s, self._block, start)

    def _block(self, start: int) -> None:
        if self.dead or not self.active or start != self._starts or self._card not in self._cards.cards:
            return
        self._again(start)
        if self._card.held_up:
            self._held += 1
        elif not self._card.stalls:
            late, self._held = self._held, 0
            for _ in range(late + 1):
                self._work(self)

    def record(self) -> None:
        seconds = self._count / self._rate_hz
        now_s = asyncio.get_running_loop().time()
        assert self._card.sound is not None
        samples = self._card.sound(now_s - seconds - self._card.late_s, self._count).astype(np.float32)
        time = SimpleNamespace(currentTime=seconds + self._card.late_s, inputBufferAdcTime=0.0)
        status = SimpleNamespace(input_overflow=self._card.overflows)
        self._callback(samples[:, np.newaxis], self._count, time, status)

    def play(self) -> None:
        out = np.empty((self._count, 1), np.float32)
        time = SimpleNamespace(currentTime=0.0, outputBufferDacTime=self._card.late_s)
        self._callback(out, self._count, time, SimpleNamespace(output_underflow=self._card.underflows))
        self._card.played.append((asyncio.get_running_loop().time(), out[:, 0].copy()))


@contextmanager
def sound_thread() -> Iterator[None]:
    """The sound library's thread, which otherwise lasts as long as the process."""
    worker = Worker("sound driver", timeout_s=portaudio._ANSWERS_S, restart_helps=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portaudio, "_worker", worker)
        try:
            yield
        finally:
            worker.close()


class Room:
    """What a microphone hears: noise, and someone who speaks at given times."""

    def __init__(self, *spoken: tuple[float, float], noise: float = 3e-5) -> None:
        """`noise` is one step of a 16-bit converter unless told otherwise."""
        self.spoken = list(spoken)
        self._noise = noise
        self._random = np.random.default_rng(1)

    def say(self, at_s: float, seconds: float = 1.0) -> None:
        self.spoken.append((at_s, at_s + seconds))

    def __call__(self, at_s: float, count: int) -> np.ndarray:
        times = at_s + np.arange(count) / RATE_HZ
        speech = np.zeros(count, bool)
        for since_s, until_s in self.spoken:
            if since_s <= times[-1] and until_s > at_s:
                speech |= (times >= since_s) & (times < until_s)
        noise = self._noise * self._random.integers(-1, 2, count)
        return np.where(speech, 0.5 * np.sin(2 * np.pi * 200 * times), 0.0) + noise
