"""The kernel's list of cameras, and what OpenCV gives for their numbers."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import numpy as np

WEBCAM, OTHER = "HD Webcam: HD Webcam", "Integrated Camera"
LEFT, RIGHT = "usb1/1-1/1-1:1.0", "usb1/1-2/1-2:1.0"


class Kernel:
    """Its list of cameras, and what `open_capture` gives for a number."""

    def __init__(self, folder: Path) -> None:
        self.sysfs = folder / "class"
        self.sysfs.mkdir()
        self._devices = folder / "devices"
        self.opened: list[tuple[int | str, int]] = []
        self.hanging: dict[int, threading.Event] = {}
        """What returns from no call until then."""
        self.raising: dict[int, BaseException] = {}
        """What comes of the next grab."""
        self.released: list[int] = []

    def plug(self, number: int, name: str = WEBCAM, port: str = LEFT, index: int = 0) -> None:
        node = self.sysfs / f"video{number}"
        node.mkdir()
        (node / "name").write_text(f"{name}\n")
        (node / "index").write_text(f"{index}\n")
        (self._devices / port).mkdir(parents=True, exist_ok=True)
        (node / "device").symlink_to(self._devices / port)

    def pull(self, number: int) -> None:
        shutil.rmtree(self.sysfs / f"video{number}")

    def open_capture(self, source: int | str, backend: int) -> Capture:
        self.opened.append((source, backend))
        return Capture(self, int(source))

    def is_there(self, number: int) -> bool:
        return (self.sysfs / f"video{number}").exists()


class Capture:
    """Shows noise while its device is there."""

    def __init__(self, kernel: Kernel, number: int) -> None:
        self._kernel = kernel
        self._number = number
        self._random = np.random.default_rng(number)

    def isOpened(self) -> bool:  # noqa: N802 (as OpenCV calls it)
        return self._kernel.is_there(self._number)

    def set(self, *_: object) -> None:
        """As it likes."""

    def grab(self) -> bool:
        time.sleep(0.01)
        if self._number in self._kernel.hanging:
            self._kernel.hanging[self._number].wait(60.0)
        if self._number in self._kernel.raising:
            raise self._kernel.raising.pop(self._number)
        return self._kernel.is_there(self._number)

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, self._random.integers(90, 170, (48, 64, 3), np.uint8)

    def release(self) -> None:
        self._kernel.released.append(self._number)
