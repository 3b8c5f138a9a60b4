"""Cameras that deliver at their own pace: V4L2, GStreamer, RTSP and HTTP streams."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable

import anyio
import cv2

from assistant.errors import DeviceError
from assistant.events import ImageArray, VideoFrame
from assistant.ports import Clock
from assistant.streams import Latest
from assistant.vision.capture import open_capture
from assistant.vision.frozen import FrozenPicture
from assistant.vision.pictures import to_rgb
from assistant.vision.video4linux import NumberedCamera

_FRAME_TIMEOUT_S = 5.0
_JOIN_S = 1.0
_LEAST_INTERVAL_S = 0.005
"""A stream that does not pace itself (a file behind an HTTP address) must not take a whole core."""


class LiveCamera:
    """A thread empties the driver's queue all the time and decodes a frame only when one is wanted, so a frame is
    never older than the call that asked for it, and unwatched frames cost next to nothing."""

    def __init__(
        self,
        source: str | NumberedCamera,
        backend: int,
        name: str,
        clock: Clock,
        *,
        timeout_s: float = _FRAME_TIMEOUT_S,
        frozen_s: float = 0.0,
    ) -> None:
        """`source` is what the backend opens; `timeout_s` is the longest wait for a frame; a picture that stays the
        same for `frozen_s` is frozen, 0 never."""
        self.name = name
        self._timeout_s = timeout_s
        self._source = source
        self._backend = backend
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._opened: int | str = ""
        """What the thread has opened, or tries to."""
        self._hanging: dict[int | str, threading.Thread] = {}
        """What hung when it was closed."""
        self._stop = threading.Event()
        self._wanted = threading.Event()
        self._frames: Latest[VideoFrame | DeviceError] | None = None
        self._version = 0
        self._failure: DeviceError | None = None
        self._frozen = FrozenPicture(frozen_s)

    async def open(self) -> None:
        """Start capturing and wait for the first frame. Raises `DeviceError`, also while the driver still hangs in a
        capture of before: a thread cannot be ended from outside, and one for every try would fill the memory."""
        await self.close()
        sources = [self._source] if isinstance(self._source, str) else self._source.numbers()
        self._hanging = {source: thread for source, thread in self._hanging.items() if thread.is_alive()}
        failure = DeviceError(
            f"The driver of the camera '{self.name}' hangs.",
            remedy="Unplug the camera and plug it in again, or restart what streams it.",
        )
        if self._backend == cv2.CAP_GSTREAMER and not cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
            raise DeviceError(
                f"The camera '{self.name}' is a GStreamer pipeline, and this OpenCV has no GStreamer.",
                remedy="Use the system's OpenCV (JetPack has it): a virtual environment that sees system packages.",
            )
        for source in sources:
            if source in self._hanging:
                continue
            try:
                return await self._open(source)
            except DeviceError as error:
                failure = error
                await self.close()
        raise failure

    async def _open(self, source: int | str) -> None:
        self._stop, self._wanted = threading.Event(), threading.Event()
        self._frames, self._version, self._failure = Latest(), 0, None
        self._opened = source
        arguments = (source, asyncio.get_running_loop(), self._frames, self._stop, self._wanted)
        self._thread = threading.Thread(target=self._capture, args=arguments, name="camera", daemon=True)
        self._thread.start()
        await self.read()
        if isinstance(self._source, NumberedCamera) and isinstance(source, int):
            self._source.opened(source)

    def forget_if_replaced(self) -> None:
        """Look through another camera that was put in the place of this one, once it is opened again."""
        if isinstance(self._source, NumberedCamera):
            self._source.forget_if_replaced()

    async def read(self) -> VideoFrame | None:
        """The next frame from now on. Raises `DeviceError` when none comes in time, or always the same; then at once
        until it is opened anew, for whoever reads: nobody shall wait for what another knows is lost."""
        frames = self._frames
        if frames is None:
            raise self._is_closed()
        if self._failure is not None:
            raise self._failure
        try:
            return await self._read(frames)
        except DeviceError as error:
            if frames is self._frames:  # it may have been opened anew meanwhile
                self._failure = error
            raise

    async def _read(self, frames: Latest[VideoFrame | DeviceError]) -> VideoFrame:
        asked_at_s = self._clock.monotonic_s()
        try:
            with anyio.fail_after(self._timeout_s):
                item = await self._next(frames)
                while isinstance(item, VideoFrame) and item.at_s < asked_at_s:
                    item = await self._next(frames)  # that was for a reader who has gone meanwhile
        except TimeoutError:
            raise DeviceError(
                f"The camera '{self.name}' delivered no picture within {self._timeout_s:g} s.",
                remedy="Check its cable, or the address of the stream.",
            ) from None
        if isinstance(item, DeviceError):
            raise item
        self._frozen.check(item)
        return item

    def _is_closed(self) -> DeviceError:
        return DeviceError(f"The camera '{self.name}' is closed.")

    async def _next(self, frames: Latest[VideoFrame | DeviceError]) -> VideoFrame | DeviceError:
        self._wanted.set()
        item, self._version = await frames.after(self._version)
        return item

    async def close(self) -> None:
        """Release the device; a driver that hangs keeps its thread, but nobody waits for it. No picture stays in
        memory."""
        if self._frames is not None:
            self._frames.put(self._is_closed())  # in place of the newest picture, also for who waits for one
        self._frames = None
        source, thread = self._opened, self._thread
        if thread is not None:
            self._stop.set()
            self._wanted.set()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(thread.join, _JOIN_S, abandon_on_cancel=True)
            if thread.is_alive():
                self._hanging[source] = thread
            if self._thread is thread:
                self._thread = None

    def _capture(
        self,
        source: int | str,
        loop: asyncio.AbstractEventLoop,
        frames: Latest[VideoFrame | DeviceError],
        stop: threading.Event,
        wanted: threading.Event,
    ) -> None:
        """The thread. It owns the device from first to last; `frames` is only touched on the loop."""

        def deliver(item: ImageArray | DeviceError, grabbed_s: float) -> None:
            if stop.is_set():
                return  # closed meanwhile
            if isinstance(item, DeviceError):
                frames.put(item)
            else:
                # The run's clock can only be read on its loop, so the thread's own clock gives the frame's age.
                age_s = time.monotonic() - grabbed_s
                frames.put(VideoFrame(self._clock.monotonic_s() - age_s, item, self.name))

        def post(item: ImageArray | DeviceError, grabbed_s: float) -> None:
            # The loop may be gone by now: then nobody waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(deliver, item, grabbed_s)

        try:
            failure = self._grab(source, stop, wanted, post)
        except BaseException as error:  # a driver raises whatever it likes, and whoever waits shall know what
            failure = f"failed: {error!r}"
        if failure:
            told = DeviceError(f"The camera '{self.name}' {failure}.", remedy="List the cameras: assistant devices")
            post(told, time.monotonic())

    def _grab(
        self,
        source: int | str,
        stop: threading.Event,
        wanted: threading.Event,
        post: Callable[[ImageArray, float], None],
    ) -> str:
        """Post each picture that is wanted, with the time of its grab, until `stop`; or else what went wrong."""
        capture = open_capture(source, self._backend)
        try:
            if not capture.isOpened():
                return "cannot be opened"
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            while not stop.is_set():
                grabbed = capture.grab()
                grabbed_s = time.monotonic()
                if not grabbed:
                    return "stopped delivering pictures"
                if wanted.is_set():
                    decoded, bgr = capture.retrieve()
                    if decoded:
                        wanted.clear()
                        post(to_rgb(bgr), grabbed_s)
                    del bgr  # the next call may hang, also while the camera is closed
                stop.wait(_LEAST_INTERVAL_S)
            return ""
        finally:
            capture.release()
