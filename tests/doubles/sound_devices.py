"""Sound cards that can be plugged, pulled and broken: what stands behind the module `sounddevice`.

As PortAudio does, it knows only the devices that were there when it was initialised, and every stream dies when it is
terminated. Blocks come by the event loop's timers, so it runs in virtual time too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

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
    played: list[tuple[float, np.ndarray]] = field(default_factory=list)
    opened: int = 0

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
        self.default = SimpleNamespace(device=[0, 0])

    def plug(self, card: Card, *, at: int | None = None) -> Card:
        """Plug a card in, under an index of its own choice."""
        self.cards.insert(len(self.cards) if at is None else at, card)
        self._list()
        return card

    def pull(self, card: Card) -> None:
        """Its streams stop without a word."""
        self.cards.remove(card)
        self._list()

    def begin(self) -> None:
        """The library is loaded: it knows what is there now."""
        self._initialize()
        self.scans = 0

    @property
    def recording(self) -> bool:
        """Whether any microphone is open."""
        return any(stream.active and not stream.dead and stream.records for stream in self._streams)

    def _list(self) -> None:
        self._listing.write_text("\n".join(card.name for card in self.cards), encoding="utf-8")

    def _initialize(self) -> None:
        self.scans += 1
        self._known = list(self.cards)
        kinds = [[index for index, card in enumerate(self._known) if bool(card.sound) is mic] for mic in (True, False)]
        self.default.device = [(kind or [-1])[0] for kind in kinds]

    def _terminate(self) -> None:
        for stream in self._streams:
            stream.dead = True
        self._streams.clear()

    def query_hostapis(self) -> list[dict[str, str]]:
        return [{"name": "ALSA"}]

    def query_devices(self) -> list[dict[str, Any]]:
        return [
            {
                "name": card.name,
                "hostapi": 0,
                "max_input_channels": int(card.sound is not None),
                "max_output_channels": int(card.sound is None),
                "default_samplerate": RATE_HZ,
            }
            for card in self._known
        ]

    def InputStream(self, **settings: Any) -> _Stream:  # noqa: N802 (sounddevice's name)
        return self._open(settings, _Stream.record)

    def OutputStream(self, **settings: Any) -> _Stream:  # noqa: N802
        return self._open(settings, _Stream.play)

    def _open(self, settings: dict[str, Any], work: Callable[[_Stream], None]) -> _Stream:
        card = self._known[settings["device"]]
        if card.refuses or card not in self.cards:
            raise self.PortAudioError("Device unavailable")
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
        self._timer: asyncio.TimerHandle | None = None
        self._held = 0
        """Blocks to be delivered late."""
        self.dead = False

    @property
    def records(self) -> bool:
        return self._card.sound is not None

    @property
    def active(self) -> bool:
        return self._timer is not None

    def start(self) -> None:
        self._alive()
        if self._card.refuses:
            raise self._cards.PortAudioError("Cannot start")
        self._again()

    def abort(self, ignore_errors: bool = False) -> None:
        self._alive()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    stop = close = abort

    def _alive(self) -> None:
        assert not self.dead, "a stream of before a rescan is touched: the real library would crash"

    def _again(self) -> None:
        wait_s = self._count / self._rate_hz / self._card.speed
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._block)

    def _block(self) -> None:
        if self.dead or self._timer is None or self._card not in self._cards.cards:
            return
        self._again()
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
        samples = self._card.sound(now_s - seconds, self._count).astype(np.float32)
        time = SimpleNamespace(currentTime=seconds, inputBufferAdcTime=0.0)
        status = SimpleNamespace(input_overflow=self._card.overflows)
        self._callback(samples[:, np.newaxis], self._count, time, status)

    def play(self) -> None:
        out = np.empty((self._count, 1), np.float32)
        time = SimpleNamespace(currentTime=0.0, outputBufferDacTime=0.0)
        self._callback(out, self._count, time, SimpleNamespace())
        self._card.played.append((asyncio.get_running_loop().time(), out[:, 0].copy()))


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
