"""What goes to the journal: priorities, and nothing that was heard."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

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
from assistant.service.journal import JournalLog
from assistant.telemetry.examples import EXAMPLES
from tests.doubles.command import ROOT

TURN: tuple[Event, ...] = (
    Notice(1.0, "listening", "Listening."),
    TurnStarted(10.4, 1, 10.0),
    Transcript(10.4, 1, "我的密码是什么", "zh", 0.9, is_final=True),
    ReplyChunk(10.5, 1, "It is swordfish.", "en"),
    PlaybackStarted(10.75, 1),
    Interruption(11.0, 1, "speech"),
    TurnFinished(11.0, 1),
    StageFailed(12.0, "camera", "It is gone.", "Plug it in."),
    StageRecovered(13.0, "camera"),
)


def logged(caplog: pytest.LogCaptureFixture, *, log_content: bool) -> list[tuple[int, str]]:
    caplog.set_level(logging.INFO, "assistant")
    observer = JournalLog(log_content=log_content)
    for event in (*TURN, *EXAMPLES):
        observer.on_event(event)
    return [(record.levelno, record.getMessage()) for record in caplog.records]


def test_it_says_how_the_assistant_does_and_nothing_that_was_heard(caplog: pytest.LogCaptureFixture) -> None:
    records = logged(caplog, log_content=False)
    assert records[:6] == [
        (logging.INFO, "Listening."),
        (logging.INFO, "turn 1: first sound 0.75 s after the end of speech"),
        (logging.INFO, "turn 1: interrupted (speech)"),
        (logging.WARNING, "camera: It is gone. Plug it in."),
        (logging.INFO, "camera: works again"),
        *records[5:6],
    ]
    text = "\n".join(message for _, message in records)
    heard = [event.text for event in (*TURN, *EXAMPLES) if isinstance(event, (Transcript, ReplyChunk))]
    assert len(heard) >= 4
    assert not any(words in text for words in heard)


def test_the_owner_may_ask_for_what_was_heard(caplog: pytest.LogCaptureFixture) -> None:
    text = "\n".join(message for _, message in logged(caplog, log_content=True))
    assert "我的密码是什么" in text and "swordfish" in text


_LOGS = """
import logging, os, sys
status = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino + int(sys.argv[1])}"
from assistant.service.journal import set_up_logging
set_up_logging()
logging.getLogger("assistant.part").info("all is well")
logging.getLogger("library").info("chatter")
logging.getLogger("assistant").warning("two\\nlines")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("assistant").exception("a bug")
"""


def lines_of_a_process(*arguments: str) -> list[str]:
    result = subprocess.run(
        [sys.executable, "-c", _LOGS, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return result.stderr.splitlines()


def test_every_line_in_the_journal_has_its_priority() -> None:
    lines = lines_of_a_process("0")
    assert lines[:3] == ["<6>all is well", "<4>two", "<4>lines"]
    assert lines[3] == "<3>a bug" and lines[4].startswith("<3>Traceback")
    assert all(line.startswith("<3>") for line in lines[3:])


def test_elsewhere_lines_are_for_people() -> None:
    lines = lines_of_a_process("1")
    assert lines[:2] == ["WARNING: two", "lines"]
