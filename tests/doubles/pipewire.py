"""A PipeWire of its own in the place of PulseAudio, with the same virtual microphone and speaker."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bench.virtual_sound import DEVICES, VirtualSound

_STARTS_S = 60.0
_BUS = "unix:path={folder}/bus"
# The session manager asks for a D-Bus, and a machine without a desktop has none for it.
_SERVERS = (
    ("bus", ("dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={_BUS}")),
    ("pipewire-0", ("pipewire",)),
    (None, ("wireplumber",)),
    ("native", ("pipewire-pulse",)),
)
"""Each with the socket that the next one needs."""


class PipeWireSound(VirtualSound):
    """Context manager: PipeWire, its session manager and what answers for PulseAudio run inside it."""

    def __init__(self) -> None:
        super().__init__()
        self._servers: list[subprocess.Popen[bytes]] = []

    @staticmethod
    def missing() -> list[str]:
        """Programs that it needs and that are not installed."""
        programs = (*(command[0] for _, command in _SERVERS), "pactl", "paplay", "parec")
        return [name for name in programs if shutil.which(name) is None]

    def start(self) -> None:
        """Start the servers."""
        try:
            folder = self.env["XDG_RUNTIME_DIR"]
            env = self.env | {"DBUS_SESSION_BUS_ADDRESS": _BUS.format(folder=folder)}
            for socket, command in _SERVERS:
                arguments = [argument.format(folder=folder) for argument in command]
                self._servers.append(subprocess.Popen(arguments, env=env, stderr=subprocess.DEVNULL))
                if socket is not None:
                    self._until((Path(folder) / socket).exists, socket)
            self._until(self.answers, "it answers")
            for line in DEVICES:
                # The session manager makes ends of what the server was told, and takes a choice only then.
                self._until(lambda command=line: self.pactl(*command.split()).returncode == 0, line)  # type: ignore[misc]
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def stop(self) -> None:
        """End the servers."""
        while self._servers:
            server = self._servers.pop()
            server.terminate()
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    @staticmethod
    def _until(done: Callable[[], bool], what: str) -> None:
        deadline_s = time.monotonic() + _STARTS_S
        while not done():
            if time.monotonic() > deadline_s:
                raise RuntimeError(f"PipeWire did not get as far as: {what}")
            time.sleep(0.05)
