"""The device behind the speaker: found, opened, started, lost and found again. It is open only while there is something
to play."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from assistant.audio import portaudio, sound_devices
from assistant.errors import DeviceError

RATE_HZ = 24_000
"""Rate of the default voices, so that they pass through untouched."""

BUFFER_S = 0.1
"""Sound that the device holds ahead: enough that a busy machine does not stutter. It costs no latency, because a reply
begins with an empty buffer: between replies the device is closed."""

_BLOCK_S = 0.02

_REST_AFTER_S = 1.0
"""Silence after which the device is closed: playing silence would wake the processor fifty times a second, and to start
a stream whose device went away while it was stopped hangs PortAudio. Opening takes some 5 ms."""


class OutputDevice:
    """One output device through PortAudio."""

    def __init__(
        self,
        wanted: str,
        fill: Callable[[Any, int, Any, Any], None],
        begin: Callable[[int], None],
        is_wanted: Callable[[], bool],
    ) -> None:
        """`wanted` is `audio.output`, and `fill` PortAudio's callback. On the sound library's thread `begin` is told at
        what rate the device is about to open, and `is_wanted` is asked whether there is anything to play."""
        self._wanted, self._fill, self._begin, self._is_wanted = wanted, fill, begin, is_wanted
        self._stream: Any = None
        """Touched by the sound library's thread only."""
        self._epoch = 0
        self._rate_hz = RATE_HZ
        self._refused_hz = 0
        """The rate at which the device opened and did not start."""
        self._known_as = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rest: asyncio.TimerHandle | None = None
        self.name = wanted

    async def start(self) -> None:
        """Open the device and start it once. Raises `DeviceError`."""
        self._loop = asyncio.get_running_loop()
        portaudio.on_rescan(self._open_again, is_playing=lambda: self._usable() is not None)
        # The first start of a device can take a second; none of it shall fall into the first reply.
        await portaudio.ask("output", self.name, self._open_and_run)
        self.rest_later()

    async def open(self) -> None:
        """Open the device unless it runs. It is not started, which fills its buffer: there is nothing to play yet.
        Raises `DeviceError`."""
        self._loop = asyncio.get_running_loop()
        try:
            await portaudio.ask("output", self.name, self._open)
        except asyncio.CancelledError:
            self.fall_silent()  # nothing will be played
            raise

    async def run(self) -> None:
        """Have the device take sound. Raises `DeviceError`; the next `open` then opens it again."""
        await portaudio.ask("output", self.name, self._run)

    async def restart(self) -> None:
        """Open and start it anew. Raises `DeviceError`."""
        await portaudio.ask("output", self.name, self._restart)

    async def lose(self) -> None:
        """Give it up until it is opened again. Raises `DeviceError` where the sound library hangs."""
        await portaudio.ask("output", self.name, self._lose)

    def fall_silent(self) -> None:
        """Close the device as soon as may be, unless there is something to play then; what it buffers is dropped."""
        if self._loop is not None:
            portaudio.begin(self._fall_silent)

    def rest_later(self) -> None:
        """Close it when nothing has been played for a while."""
        assert self._loop is not None
        self.stay_awake()
        self._rest = self._loop.call_later(_REST_AFTER_S, self.fall_silent)

    def stay_awake(self) -> None:
        """Undo `rest_later`."""
        if self._rest is not None:
            self._rest.cancel()

    async def close(self) -> None:
        """Release the device."""
        portaudio.off_rescan(self._open_again)
        self.stay_awake()
        if self._loop is not None:
            await portaudio.release(self._lose)

    # The rest runs on the sound library's thread.

    def _open(self) -> None:
        """One that was plugged in meanwhile is found, under whatever index."""
        if (stream := self._usable()) is not None and stream.active:
            return
        self._lose()
        if not self._is_wanted() and portaudio.devices_changed():
            portaudio.rescan()  # another card may have the old one's number
        try:
            self._open_stream()
        except DeviceError:
            # Cards tell nothing of a sound server that is back; where nobody else uses the library, a look is free.
            if not portaudio.devices_changed() and not portaudio.is_alone(self._open_again):
                raise
            portaudio.rescan()
            if self._usable() is None:  # it was not opened again for what is being said
                self._open_stream()

    def _open_again(self) -> None:
        """The stream went with a rescan that somebody else needed; what is being said goes on."""
        self._stream = None
        if self._is_wanted():
            with contextlib.suppress(DeviceError):  # whoever waits for the sound notices that none is taken
                self._open_stream()
                self._start()

    def _open_stream(self) -> None:
        device = sound_devices.find(self._wanted, "output", known_as=self._known_as)
        self.name = self._known_as = device.name
        sounddevice = portaudio.load()

        def make(rate_hz: int) -> Any:
            self._rate_hz = rate_hz
            self._begin(rate_hz)
            return sounddevice.OutputStream(
                device=device.index,
                samplerate=rate_hz,
                channels=1,
                dtype="float32",
                latency=BUFFER_S,
                blocksize=round(_BLOCK_S * rate_hz),
                callback=self._fill,
            )

        rates_hz = dict.fromkeys((RATE_HZ, device.default_rate_hz))
        wanted_hz = [rate_hz for rate_hz in rates_hz if rate_hz != self._refused_hz] or list(rates_hz)
        self._stream, _ = sound_devices.open_stream(device, "output", wanted_hz, make)
        self._epoch = portaudio.epoch()

    def _usable(self) -> Any:
        """The stream; None when there is none, or when it went with a rescan of the devices."""
        if self._epoch != portaudio.epoch():
            self._stream = None
        return self._stream

    def _run(self) -> None:
        if self._usable() is None:
            self._open()
        if not self._stream.active:
            self._start()

    def _start(self) -> None:
        try:
            self._stream.start()
        except portaudio.load().PortAudioError as error:
            self._refused_hz = self._rate_hz if self._rate_hz != self._refused_hz else 0
            self._lose()
            raise DeviceError(
                f"The speaker '{self.name}' cannot be started: {error}",
                remedy="Check its cable; `assistant doctor` tells more.",
            ) from error

    def _open_and_run(self) -> None:
        self._open()
        self._run()

    def _restart(self) -> None:
        self._lose()
        self._open_and_run()

    def _lose(self) -> None:
        stream, self._stream = self._usable(), None
        if stream is not None:
            stream.close(ignore_errors=True)

    def _fall_silent(self) -> None:
        if not self._is_wanted():
            self._lose()
