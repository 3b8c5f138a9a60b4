"""What goes to the journal: one line a message, each with its priority, and nothing that was heard or seen unless the
owner asks."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

from assistant.events import (
    Event,
    Interruption,
    Notice,
    PlaybackStarted,
    ReplyChunk,
    StageFailed,
    StageRecovered,
    Transcript,
    TurnFinished,
    TurnStarted,
)

_LOG = logging.getLogger("assistant")
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))
"""Python's levels and syslog's, highest first; see sd-daemon(3)."""


def is_journal(stream: TextIO) -> bool:
    """Whether what is written to `stream` goes to the journal: systemd names its device and inode."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))


def set_up_logging() -> None:
    """Have log messages written to the standard error stream, the way that the journal wants them if it is one."""
    handler = logging.StreamHandler()
    to_journal = is_journal(sys.stderr)
    handler.setFormatter(_JournalFormatter() if to_journal else logging.Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if to_journal:
        _LOG.setLevel(logging.INFO)


class _JournalFormatter(logging.Formatter):
    """`<4>` before every line, also those of a traceback: the journal takes each line for a message of its own."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines() or [""])


class JournalLog:
    """A `TurnObserver` that logs what a person who looks after the assistant wants to know."""

    def __init__(self, *, log_content: bool = False) -> None:
        self.log_content = log_content
        """Whether what was heard and said may be logged."""
        self._speech_ended_at_s: dict[int, float] = {}

    def on_event(self, event: Event) -> None:
        """Log the event, if it is of that kind."""
        match event:
            case StageFailed():
                _LOG.warning("%s: %s", event.stage, f"{event.error} {event.remedy}".rstrip())
            case StageRecovered():
                _LOG.info("%s: works again", event.stage)
            case Notice(kind="listening" | "muted" | "unmuted" | "governor"):
                _LOG.info("%s", event.text or event.kind)
            case TurnStarted():
                self._speech_ended_at_s[event.turn_id] = event.speech_ended_at_s
            case PlaybackStarted(turn_id=turn_id) if turn_id in self._speech_ended_at_s:
                latency_s = event.at_s - self._speech_ended_at_s[turn_id]
                _LOG.info("turn %d: first sound %.2f s after the end of speech", turn_id, latency_s)
            case Interruption():
                _LOG.info("turn %d: interrupted (%s)", event.turn_id, event.reason)
            case TurnFinished():
                self._speech_ended_at_s.pop(event.turn_id, None)
            case Transcript(is_final=True) if self.log_content:
                _LOG.info("turn %d: heard %r", event.turn_id, event.text)
            case ReplyChunk() if self.log_content:
                _LOG.info("turn %d: says %r", event.turn_id, event.text)
