"""Which cameras the kernel knows, and which of them is the one that was used before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import DeviceError

SYSFS = Path("/sys/class/video4linux")


@dataclass(frozen=True, slots=True)
class _Node:
    """A device file, of which a camera may have several."""

    number: int
    name: str
    index: str
    """Among those of one camera; what is not "0" carries metadata, as a rule."""
    port: str
    """Where on its bus the camera is."""

    @property
    def path(self) -> str:
        return f"/dev/video{self.number}"


class NumberedCamera:
    """A camera that is known by its number until it was opened, and by its name from then on: plugged in again, it gets
    another number while something still holds the old one."""

    def __init__(self, number: int, sysfs: Path = SYSFS) -> None:
        self._number = number
        self._sysfs = sysfs
        self._known: _Node | None = None

    def numbers(self) -> list[int]:
        """Where it may be now. Raises `DeviceError` when it is known and gone, whoever has its number
        now."""
        known = self._known
        if known is None:
            return [self._number]
        found = _nodes(self._sysfs)
        like_it = [node for node in found if (node.name, node.index) == (known.name, known.index)]
        if not like_it:
            there = ", ".join(f"{node.path} ({node.name})" for node in found) or "no camera"
            raise DeviceError(
                f"There is no camera '{known.name}' any more; this machine has {there}.",
                remedy="Plug it in again, at whichever port: it is known by its name; or, for another camera: "
                "assistant reload",
            )
        # Of two that are alike it is the one where it was, even if that cannot be opened just now.
        return [node.number for node in like_it if node.port == known.port] or [node.number for node in like_it]

    def forget_if_replaced(self) -> None:
        """Take whichever camera has the number now, if the one that is known is gone; one that has no successor may
        still come back."""
        known = self._known
        if known is None:
            return
        found = _nodes(self._sysfs)
        gone = all((node.name, node.index) != (known.name, known.index) for node in found)
        if gone and any(node.number == self._number for node in found):
            self._known = None

    def opened(self, number: int) -> None:
        """Note which one it is: the camera that has this number now."""
        self._known = next((node for node in _nodes(self._sysfs) if node.number == number), self._known)


def cameras(sysfs: Path = SYSFS) -> list[tuple[str, str]]:
    """(path, name) of each Video4Linux capture device, as the kernel lists them; none is opened."""
    return [(node.path, node.name) for node in _nodes(sysfs) if node.index == "0"]


def _nodes(sysfs: Path) -> list[_Node]:
    found = []
    for entry in sysfs.glob("video*"):
        number = re.fullmatch(r"video(\d+)", entry.name)
        if number is None:
            continue
        try:
            index = (entry / "index").read_text().strip() if (entry / "index").is_file() else "0"
            name = (entry / "name").read_text().strip()
        except OSError:  # unplugged meanwhile
            continue
        found.append(_Node(int(number[1]), name, index, str((entry / "device").resolve())))
    return sorted(found, key=lambda node: node.number)
