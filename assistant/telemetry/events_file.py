"""Every event of a run as a line of JSON."""

from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path

from assistant.errors import ConfigError
from assistant.events import AudioFrame, Event, StageFailed, TurnFinished
from assistant.telemetry.encode import to_json

_logger = logging.getLogger(__name__)
_FLUSH_AT = 256
"""Lines kept at most before they are written."""


class EventsFile:
    """A `TurnObserver` that writes all events but microphone frames; see `docs/events.md` for the format.

    Lines are written at the end of a turn, at a failure, when many have come together, and on `close`. When that fails
    (the disk is full), they are lost, and later lines are tried again; that it begins to lose them is logged.
    """

    def __init__(self, path: Path, *, log_content: bool = False, append: bool = False) -> None:
        """Open the file. Raises `ConfigError` when that is not possible."""
        self.path = path
        self.lost = 0
        """Events that could not be written."""
        self._log_content = log_content
        self._lines: list[bytes] = []
        self._loses = False
        """Whether what was to be written last could not be."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._torn = append and _ends_torn(path)
            self._file = path.open("ab" if append else "wb", buffering=0)
        except OSError as error:
            raise ConfigError(
                f"The events file {path} cannot be written: {error.strerror}.",
                remedy="Set telemetry.events to a file in a folder that the assistant may write to.",
            ) from error

    def on_event(self, event: Event) -> None:
        """Keep the event for writing."""
        if isinstance(event, AudioFrame) or self._file.closed:
            return
        self._lines.append(line_of(event, log_content=self._log_content))
        if isinstance(event, (TurnFinished, StageFailed)) or len(self._lines) >= _FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Write what is kept."""
        count = len(self._lines)
        if not count:
            return
        # A line that was cut off by a full disk ends here, so that only it is unreadable.
        data = memoryview(b"\n" * self._torn + b"".join(self._lines))
        self._lines.clear()
        try:
            while data:
                written = self._file.write(data)
                self._torn = data[written - 1] != ord("\n")
                data = data[written:]
            self._loses = False
        except OSError as error:
            if not self._loses:
                _logger.error("Events are being lost: %s cannot be written: %s.", self.path, error.strerror)
            self._loses = True
            self.lost += count

    def close(self) -> None:
        """Write what is kept and close; safe to call twice."""
        if not self._file.closed:
            self.flush()
            self._file.close()


def line_of(event: Event, *, log_content: bool) -> bytes:
    """An event as a line of the file."""
    line = json.dumps(to_json(event, log_content=log_content), ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate (a broken file name) must not stop the file.
    return line.encode("utf-8", "backslashreplace") + b"\n"


def _ends_torn(path: Path) -> bool:
    """Whether the last line of a file, if there is one, was cut off."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
            return False
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:
        return False  # there is none yet, or none that can be read
