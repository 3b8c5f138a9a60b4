"""A network camera: a local HTTP server that sends JPEG pictures one after the other, as webcams in the network do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import cv2
import numpy as np

from assistant.events import ImageArray

_NOISE = 4.0
"""Standard deviation of a sensor's noise, of 255, indoors."""


class NetworkCamera:
    """Context manager. `shows` is "noise", "still" or "black"; `stalls` keeps the connection and sends nothing."""

    def __init__(self, port: int = 0, *, scene: ImageArray | None = None, fps: float = 20.0) -> None:
        """`scene` is an RGB picture that it shows in its stead, as a sensor sees it: with other noise every time. It
        may be another from then on."""
        self._port = port
        self.scene = scene
        self._fps = fps
        self._counting = threading.Lock()
        self._random = np.random.default_rng(1)
        self.shows = "noise"
        self.stalls = False
        self.level = 100
        self.connections = 0
        """How often somebody began to watch."""
        self.watchers = 0
        """How many do now."""
        self.sent = 0
        """Pictures, to all of them."""
        self._dead = self._ended = 0
        """The connections up to this one are."""

    def __enter__(self) -> NetworkCamera:
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
        self._port = self._server.server_address[1]
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gone.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def lose_connections(self) -> None:
        """Those that there are stay open and mute for ever, as when the Wi-Fi drops; new ones work."""
        self._dead = self.connections

    def end_streams(self) -> None:
        """Those that there are, as when the camera starts anew."""
        self._ended = self.connections

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}/stream.mjpg"

    @property
    def port(self) -> int:
        return self._port

    def jpeg(self) -> bytes:
        if (scene := self.scene) is not None:
            noise = self._random.normal(0.0, _NOISE, scene.shape)
            seen = np.clip(scene + noise, 0, 255).astype(np.uint8)
            return bytes(cv2.imencode(".jpg", seen[..., ::-1])[1])
        picture = np.full((48, 64, 3), self.level if self.shows != "black" else 0, np.uint8)
        if self.shows == "still":
            picture[:, :32] += 50
        if self.shows == "noise":
            picture += self._random.integers(0, 20, picture.shape, np.uint8)
        return bytes(cv2.imencode(".jpg", picture)[1])

    @contextmanager
    def _watched(self) -> Iterator[int]:
        """Counts, on whichever thread serves it, one who watches; gives the connection's number."""
        with self._counting:
            self.connections += 1
            self.watchers += 1
            number = self.connections
        try:
            yield number
        finally:
            with self._counting:
                self.watchers -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with camera._watched() as number, suppress(OSError):  # until nobody watches any more
                    self.send_response(200)
                    self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                    self.end_headers()
                    while not camera._gone.is_set() and number > camera._ended:
                        if not camera.stalls and number > camera._dead:
                            jpeg = camera.jpeg()
                            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                            self.wfile.write(head.encode() + jpeg + b"\r\n")
                            camera.sent += 1
                        camera._gone.wait(1 / camera._fps)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
